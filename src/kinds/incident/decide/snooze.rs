//! Quiet for a while: an incident that calls nobody, and alerts that are silenced at their source.

use chrono::TimeDelta;

use super::{find_open, in_incident, settled};
use crate::domain::{Actor, DURATION_FORM, IncidentId, Rejection, RejectionKind, Timestamp, parse_duration};
use crate::kinds::{Decided, IncidentEvent, World};

const LONGEST: TimeDelta = TimeDelta::days(7);

pub(in crate::kinds::incident) fn snooze(
    world: &dyn World,
    id: IncidentId,
    length: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Decided>, Rejection> {
    find_open(world, id)?;
    let length = read(length)?;
    Ok(in_incident(id, by, [IncidentEvent::Snoozed { until: now + length }]))
}

/// A run makes the silence, once a person has approved what it would hide.
pub(in crate::kinds::incident) fn silence(
    world: &dyn World,
    id: IncidentId,
    length: String,
    by: &Actor,
) -> Result<Vec<Decided>, Rejection> {
    let incident = find_open(world, id)?;
    read(&length)?;
    if incident.shared_labels().is_empty() {
        return Err(Rejection::new(RejectionKind::Invalid, "its alerts share no label that a silence could match")
            .hint("snooze it, or silence single alerts in Alertmanager"));
    }
    if incident.silence.as_ref().is_some_and(|silence| silence.is_being_made()) {
        return Err(settled(id, "already being silenced"));
    }
    let acknowledged = incident.acknowledged_at.is_none().then_some(IncidentEvent::Acknowledged {});
    let length = length.trim().to_owned();
    Ok(in_incident(
        id,
        by,
        acknowledged.into_iter().chain([IncidentEvent::SilenceWanted { length, is_renewed: false }]),
    ))
}

fn read(length: &str) -> Result<TimeDelta, Rejection> {
    let invalid = |message: String| Rejection::new(RejectionKind::Invalid, message);
    let parsed = parse_duration(length.trim()).and_then(|length| TimeDelta::from_std(length).ok());
    let parsed = parsed
        .ok_or_else(|| invalid(format!("{length:?} is not a length of time")).hint(format!("write {DURATION_FORM}")))?;
    match parsed > TimeDelta::zero() && parsed <= LONGEST {
        true => Ok(parsed),
        false => Err(invalid("it can be for up to 7 days".to_owned()).hint("write a shorter time")),
    }
}

pub(in crate::kinds::incident) fn wake(world: &dyn World, id: IncidentId, by: &Actor, now: Timestamp) -> Vec<Decided> {
    let incident = world.incidents().get(&id).filter(|incident| incident.held.is_none());
    let until = incident.and_then(|incident| incident.snoozed_until);
    let is_over = until.is_some_and(|until| until <= now);
    in_incident(id, by, is_over.then_some(IncidentEvent::Woke {}))
}
