//! Taking in what a source of alerts tells of one group. The same report changes nothing the second time.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::in_incident;
use super::overflow::{Folded, fold};
use crate::domain::{Actor, IncidentId, Timestamp};
use crate::kinds::{Alert, AlertState, Decided, Incident, IncidentEvent, IncidentReport, Sight, World};

/// Alerts that fire again this long after the end of their incident open it again, rather than begin another one.
const FLAP: TimeDelta = TimeDelta::minutes(30);

/// `id` is that of the incident which the report would begin.
pub(in crate::kinds::incident) fn report(
    world: &dyn World,
    id: IncidentId,
    report: IncidentReport,
    by: &Actor,
    now: Timestamp,
) -> Vec<Decided> {
    let current = current(world, id, &report, now);
    let mut relieved = Vec::new();
    if current.is_none() {
        match fold(world, &report, by, now, FLAP) {
            Folded::Whole(decided) => return decided,
            Folded::Apart(decided) => relieved = decided,
        }
    }
    let nothing = BTreeMap::new();
    let known = current.map_or(&nothing, |incident| &incident.alerts);
    let IncidentReport { group, title, labels, runbook, alerts, left_out, sight } = report;
    // Of an alert that is told twice, the last word holds.
    let told: BTreeMap<String, Alert> = alerts.into_iter().map(|alert| (alert.fingerprint.clone(), alert)).collect();
    let mut cleared: Vec<_> = told.values().filter_map(|alert| clears(known.get(&alert.fingerprint)?, alert)).collect();
    cleared.extend(gone(known, &told, &sight));
    let fired = told.into_values().filter(|alert| fires(known.get(&alert.fingerprint), alert, &sight)).collect();
    let firing = current.map_or(0, |incident| incident.firing().count()) - cleared.len();
    let (fired, beyond) = fitting(known, fired, Incident::MOST_ALERTS.saturating_sub(firing));
    let left_out = left_out.saturating_add(beyond);
    let left_before = current.map_or(0, |incident| incident.left_out);
    let is_worse = !fired.is_empty() || left_out > left_before;

    let mut events = Vec::new();
    match current {
        None if fired.is_empty() => return relieved,
        None => events.push(IncidentEvent::Opened { group, title, labels, runbook }),
        Some(incident) if !incident.is_open() && is_worse => events.push(IncidentEvent::Reopened {}),
        Some(_) => {}
    }
    let is_open = current.is_none_or(Incident::is_open) || is_worse;
    let is_quieter = !cleared.is_empty() || left_out < left_before;
    let is_over = is_open && firing + fired.len() == 0 && left_out == 0 && is_quieter;
    // What has cleared makes room for what fires.
    events.extend(cleared);
    events.extend(fired.into_iter().map(|alert| IncidentEvent::AlertFired { alert: Box::new(alert) }));
    if left_out != left_before {
        events.push(IncidentEvent::AlertsLeftOut { count: left_out });
    }
    events.extend(is_over.then_some(IncidentEvent::Resolved {}));
    relieved.extend(in_incident(current.map_or(id, |incident| incident.id), by, events));
    relieved
}

/// The incident that the report is about, if there is one: that of its group which is not over, was over only lately, or
/// knows one of its alerts.
fn current<'a>(world: &'a dyn World, id: IncidentId, report: &IncidentReport, now: Timestamp) -> Option<&'a Incident> {
    let knows = |incident: &Incident| {
        report.alerts.iter().any(|alert| {
            let known = incident.alerts.get(&alert.fingerprint);
            known.is_some_and(|known| known.alert.starts_at.timestamp() == alert.starts_at.timestamp())
        })
    };
    let is_meant = |incident: &&Incident| {
        let lately = incident.resolved_at.is_none_or(|at| now - at <= FLAP);
        incident.group == report.group && (lately || knows(incident))
    };
    world.incidents().values().rev().find(is_meant).or_else(|| world.incidents().get(&id))
}

/// Whether an alert fires that was not known to.
fn fires(known: Option<&AlertState>, alert: &Alert, sight: &Sight) -> bool {
    let (None, Some(known)) = (alert.ended_at, known) else { return alert.ended_at.is_none() };
    let Some(cleared_at) = known.cleared_at else { return false };
    let is_later = alert.starts_at.timestamp() > known.alert.starts_at.timestamp();
    match sight {
        // What was sent before it ended may arrive after.
        Sight::Told => is_later,
        Sight::Seen { at, .. } => is_later || *at > cleared_at,
    }
}

/// That an alert has ended, where it is known to fire. Some tell of times to the second only.
fn clears(known: &AlertState, alert: &Alert) -> Option<IncidentEvent> {
    let ended_at = alert.ended_at?;
    let is_this = ended_at.timestamp() >= known.alert.starts_at.timestamp();
    (known.cleared_at.is_none() && is_this).then(|| cleared(known, ended_at))
}

/// What is not there any more where the whole group was looked at.
fn gone<'a>(
    known: &'a BTreeMap<String, AlertState>,
    told: &'a BTreeMap<String, Alert>,
    sight: &'a Sight,
) -> Vec<IncidentEvent> {
    let Sight::Seen { at, source } = sight else { return Vec::new() };
    let is_gone = |state: &&AlertState| {
        let alert = &state.alert;
        state.cleared_at.is_none() && alert.source == *source && !told.contains_key(&alert.fingerprint)
    };
    known.values().filter(is_gone).map(|state| cleared(state, *at)).collect()
}

fn cleared(known: &AlertState, ended_at: Timestamp) -> IncidentEvent {
    let name = known.alert.line(&Default::default());
    IncidentEvent::AlertCleared { fingerprint: known.alert.fingerprint.clone(), ended_at, name }
}

/// As many of the alerts that begin to fire as there is room for, those that are known first, and how many are left out.
fn fitting(known: &BTreeMap<String, AlertState>, mut fired: Vec<Alert>, room: usize) -> (Vec<Alert>, u32) {
    let order = |alert: &Alert| {
        let fingerprint = alert.fingerprint.clone();
        (!known.contains_key(&fingerprint), alert.starts_at, fingerprint)
    };
    fired.sort_by_cached_key(order);
    let beyond = fired.len().saturating_sub(room);
    fired.truncate(room);
    (fired, u32::try_from(beyond).unwrap_or(u32::MAX))
}
