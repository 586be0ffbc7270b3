//! What is asked of a maintenance window leads to, for itself and for the incidents that it holds back.

use chrono::{DateTime, TimeDelta};

use super::event::MaintenanceEvent;
use super::order::MaintenanceOrder;
use super::row::Maintenance;
use super::verbs::MaintenanceVerb;
use crate::domain::{
    Actor, DURATION_FORM, MaintenanceId, Matching, Rejection, RejectionKind, Timestamp, Untrusted, parse_duration,
};
use crate::kinds::{Decided, World, with_holds};

const LONGEST: TimeDelta = TimeDelta::days(7);
/// How far ahead one is planned by hand.
const FARTHEST: TimeDelta = TimeDelta::days(366);
/// Bytes of a name.
const LONGEST_NAME: usize = 200;

pub(super) fn decide(
    world: &dyn World,
    id: MaintenanceId,
    verb: MaintenanceVerb,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Decided>, Rejection> {
    let known = world.maintenance().get(&id);
    let events = match verb {
        MaintenanceVerb::Start { .. } if known.is_some() => Vec::new(),
        MaintenanceVerb::Start { labels, length, name, from } => {
            started(read(&labels, &length, name, from.as_deref(), now)?, now)
        }
        MaintenanceVerb::End => end(known, id)?,
        MaintenanceVerb::Plan { order } => planned(known, *order, now),
        MaintenanceVerb::Pass => known.map(|window| passed(window, now)).unwrap_or_default(),
    };
    let decided = events.into_iter().map(|event| Decided::of::<Maintenance>(id, by, event)).collect();
    Ok(with_holds(world, decided, now))
}

fn started(order: MaintenanceOrder, now: Timestamp) -> Vec<MaintenanceEvent> {
    let began = (order.from <= now).then_some(MaintenanceEvent::Began {});
    let planned = MaintenanceEvent::Planned { order: Box::new(order), is_configured: false };
    std::iter::once(planned).chain(began).collect()
}

fn planned(known: Option<&Maintenance>, order: MaintenanceOrder, now: Timestamp) -> Vec<MaintenanceEvent> {
    let is_now = order.from <= now && now < order.until;
    let begins = is_now && known.is_none_or(|window| window.began_at.is_none() && window.ended_at.is_none());
    let order = MaintenanceOrder { name: order.name.cut(LONGEST_NAME), ..order };
    let is_new = known.is_none() && now < order.until;
    let planned = is_new.then(|| MaintenanceEvent::Planned { order: Box::new(order), is_configured: true });
    planned.into_iter().chain(begins.then_some(MaintenanceEvent::Began {})).collect()
}

fn passed(window: &Maintenance, now: Timestamp) -> Vec<MaintenanceEvent> {
    match window.due() {
        Some(due) if due > now => Vec::new(),
        None => Vec::new(),
        Some(_) if window.order.until <= now => vec![MaintenanceEvent::Ended {}],
        Some(_) => vec![MaintenanceEvent::Began {}],
    }
}

fn end(known: Option<&Maintenance>, id: MaintenanceId) -> Result<Vec<MaintenanceEvent>, Rejection> {
    let window = known.ok_or_else(|| {
        Rejection::new(RejectionKind::NotFound, format!("no maintenance window has the id {id}"))
            .hint("`morningai maintenance` lists them")
    })?;
    match window.ended_at {
        None => Ok(vec![MaintenanceEvent::Ended {}]),
        Some(_) => {
            let message = format!("maintenance window {} is already over", id.short());
            Err(Rejection::new(RejectionKind::AlreadySettled, message))
        }
    }
}

fn read(
    labels: &str,
    length: &str,
    name: Option<Untrusted>,
    from: Option<&str>,
    now: Timestamp,
) -> Result<MaintenanceOrder, Rejection> {
    let invalid = |message: String, hint: &str| Rejection::new(RejectionKind::Invalid, message).hint(hint);
    let visible = |text: &str| Untrusted::from(text).visible().into_owned();
    let matching = Matching::read(labels)
        .ok_or_else(|| invalid(format!("{:?} are not labels", visible(labels)), "write them as svc=api env=stag*"))?;
    let parsed = parse_duration(length.trim()).and_then(|length| TimeDelta::from_std(length).ok());
    let length = parsed
        .filter(|length| *length > TimeDelta::zero() && *length <= LONGEST)
        .ok_or_else(|| invalid(format!("{:?} is not a length of time up to 7 days", visible(length)), DURATION_FORM))?;
    let from = match from {
        None => now,
        Some(text) => DateTime::parse_from_rfc3339(text.trim())
            .map_err(|_| invalid(format!("{:?} is not a time", visible(text)), "write 2026-12-01T22:00:00Z"))?
            .to_utc(),
    };
    if from + length <= now || from > now + FARTHEST {
        return Err(invalid(
            "the window would be over already, or begin in more than a year".to_owned(),
            "check `from`",
        ));
    }
    let name = name.filter(|name| !name.raw().trim().is_empty()).unwrap_or_else(|| "maintenance".into());
    Ok(MaintenanceOrder { name: name.cut(LONGEST_NAME), matching, from, until: from + length })
}
