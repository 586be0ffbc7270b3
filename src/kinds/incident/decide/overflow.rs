//! More groups of alerts than there may be open incidents: those beyond are listed in one incident, each as one alert.
//!
//! A group that has no place in its list either is told as one more, and gets an incident of its own as soon as there is
//! room and its source tells of it again.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::in_incident;
use crate::domain::{Actor, Timestamp, Untrusted};
use crate::kinds::{
    Alert, AlertState, Decided, GroupKey, Incident, IncidentEvent, IncidentReport, Labels, Marks, World,
};

/// Incidents that are open at once.
pub(in crate::kinds::incident) const MOST_OPEN: usize = 2_000;

/// What follows from a report of a group that has no incident.
pub(super) enum Folded {
    /// It goes its own way; what was listed of it before is over.
    Apart(Vec<Decided>),
    /// This is all.
    Whole(Vec<Decided>),
}

pub(super) fn fold(world: &dyn World, report: &IncidentReport, by: &Actor, now: Timestamp, flap: TimeDelta) -> Folded {
    let group = GroupKey::overflow();
    let is_meant = |incident: &&Incident| {
        incident.group == group && incident.resolved_at.is_none_or(|resolved_at| now - resolved_at <= flap)
    };
    let overflow = world.incidents().values().rev().find(is_meant);
    let listed = overflow.and_then(|overflow| overflow.alerts.get(report.group.digest()));
    let listed = listed.filter(|state| state.cleared_at.is_none());
    let fires = report.alerts.iter().any(|alert| alert.ended_at.is_none());
    let is_full = world.incidents().values().filter(|incident| incident.is_open()).count() >= MOST_OPEN;
    match (overflow, listed) {
        (_, Some(_)) if fires && is_full => Folded::Whole(Vec::new()),
        (Some(overflow), Some(state)) => {
            let cleared = clear(overflow, state, is_full, by, now);
            if fires { Folded::Apart(cleared) } else { Folded::Whole(cleared) }
        }
        _ if fires && is_full => Folded::Whole(list(overflow, group, report, by, now)),
        _ => Folded::Apart(Vec::new()),
    }
}

fn list(
    overflow: Option<&Incident>,
    group: GroupKey,
    report: &IncidentReport,
    by: &Actor,
    now: Timestamp,
) -> Vec<Decided> {
    let mut events = Vec::new();
    match overflow {
        None => events.push(opened(group.clone())),
        Some(overflow) if !overflow.is_open() => {
            events.push(IncidentEvent::Reopened { is_flapping: false, is_held: false })
        }
        Some(_) => {}
    }
    let has_room = overflow.is_none_or(|overflow| overflow.firing().count() < Incident::MOST_ALERTS);
    let is_told = overflow.is_some_and(|overflow| overflow.left_out > 0);
    match (has_room, is_told) {
        (true, _) => events.push(IncidentEvent::AlertFired { alert: Box::new(alert(report, now)), group: None }),
        // How many there are is not counted: nobody knows which were counted already.
        (false, false) => events.push(IncidentEvent::AlertsLeftOut { count: 1, group: None }),
        (false, true) => {}
    }
    in_incident(overflow.map_or_else(|| group.incident(now), |overflow| overflow.id), by, events)
}

fn clear(overflow: &Incident, state: &AlertState, is_full: bool, by: &Actor, now: Timestamp) -> Vec<Decided> {
    let name = state.alert.line(&Labels::default());
    let mut events =
        vec![IncidentEvent::AlertCleared { fingerprint: state.alert.fingerprint.clone(), ended_at: now, name }];
    // The last that was listed: those that were not get incidents of their own now.
    if overflow.is_open() && overflow.firing().count() == 1 && !is_full {
        events.extend((overflow.left_out > 0).then_some(IncidentEvent::AlertsLeftOut { count: 0, group: None }));
        events.push(IncidentEvent::Resolved {});
    }
    in_incident(overflow.id, by, events)
}

fn opened(group: GroupKey) -> IncidentEvent {
    let title = format!("TooManyIncidents: {MOST_OPEN} are open; the alerts of further groups are listed here");
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let labels = Labels::bounded([pair("alertname", "TooManyIncidents"), pair("source", "morningai")]);
    let (title, part) = (title.into(), BTreeSet::new());
    IncidentEvent::Opened { group, title, labels, runbook: None, agent: None, classifier: None, part, is_held: false }
}

/// A whole group, as one alert.
fn alert(report: &IncidentReport, now: Timestamp) -> Alert {
    let firing = report.alerts.iter().filter(|alert| alert.ended_at.is_none());
    let worst = firing.clone().max_by_key(|alert| alert.severity());
    Alert {
        fingerprint: report.group.digest().to_owned(),
        starts_at: firing.map(|alert| alert.starts_at).min().unwrap_or(now),
        ended_at: None,
        labels: worst.map(|alert| alert.labels.clone()).unwrap_or_default(),
        annotations: Labels::bounded([("summary".to_owned(), report.title.raw().to_owned())]),
        url: worst.map(|alert| alert.url.clone()).unwrap_or_default(),
        source: worst.map_or_else(Untrusted::default, |alert| alert.source.clone()),
        marks: Marks::default(),
    }
}
