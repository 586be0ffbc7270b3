//! Taking in what a source of alerts tells of one group. The same report changes nothing the second time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::in_incident;
use super::overflow::{Folded, fold};
use crate::domain::{Actor, IncidentId, Timestamp};
use crate::kinds::incident::judging::classifier;
use crate::kinds::{
    Alert, AlertState, Claim, Decided, GroupKey, Incident, IncidentEvent, IncidentReport, Labels, Severity, Sight,
    World,
};

/// Alerts that fire again this long after the end of their incident open it again, rather than begin another one.
const FLAP: TimeDelta = TimeDelta::minutes(30);

/// So many times within so long is flapping: it goes on, and does not ring each time.
const FLAPS: (usize, TimeDelta) = (3, TimeDelta::hours(1));

/// `id` is that of the incident which the report would begin. What was split off, or merged, is told where it belongs now.
pub(in crate::kinds::incident) fn report(
    world: &dyn World,
    id: IncidentId,
    mut report: IncidentReport,
    by: &Actor,
    now: Timestamp,
) -> Vec<Decided> {
    let mut decided = Vec::new();
    let main = current(world, id, &report, now);
    for (incident, only) in parts(world, &report.group, now) {
        if main.is_some_and(|main| main.id == incident.id) {
            continue;
        }
        let alerts = std::mem::take(&mut report.alerts);
        let (its, others) = alerts.into_iter().partition(|alert| only.contains(&alert.fingerprint));
        // What the source left out is told of the whole group.
        let its = IncidentReport { alerts: its, left_out: 0, ..report.clone() };
        report.alerts = others;
        decided.extend(take_in(Some(incident), incident.id, its, by, now));
    }
    if main.is_none() {
        match fold(world, &report, by, now, FLAP) {
            Folded::Whole(folded) => {
                decided.extend(folded);
                return decided;
            }
            Folded::Apart(relieved) => decided.extend(relieved),
        }
    }
    report.classifier = classifier(world, report.classifier.take());
    decided.extend(take_in(main, id, report, by, now));
    decided
}

fn take_in(
    current: Option<&Incident>,
    id: IncidentId,
    report: IncidentReport,
    by: &Actor,
    now: Timestamp,
) -> Vec<Decided> {
    let IncidentReport { group, title, labels, runbook, agent, classifier, alerts, left_out, sight } = report;
    let known: Known<'_> = current
        .into_iter()
        .flat_map(|incident| incident.alerts_of(&group))
        .map(|state| (state.alert.fingerprint.as_str(), state))
        .collect();
    // Of an alert that is told twice, the last word holds.
    let told: BTreeMap<String, Alert> = alerts.into_iter().map(|alert| (alert.fingerprint.clone(), alert)).collect();
    let mut cleared: Vec<_> =
        told.values().filter_map(|alert| clears(known.get(alert.fingerprint.as_str())?, alert)).collect();
    cleared.extend(gone(&known, &told, &sight));
    let fired = told
        .into_values()
        .filter(|alert| fires(known.get(alert.fingerprint.as_str()).copied(), alert, &sight))
        .collect();
    let firing = current.map_or(0, |incident| incident.firing().count()) - cleared.len();
    let (fired, beyond) = fitting(&known, fired, Incident::MOST_ALERTS.saturating_sub(firing));
    let left_out = left_out.saturating_add(beyond);
    let left_before = current.map_or(0, |incident| incident.left_out_in(&group));
    let left_elsewhere = current.map_or(0, |incident| incident.left_out).saturating_sub(left_before);
    let is_worse = !fired.is_empty() || left_out > left_before;
    // Named only where it is another one than the incident's own.
    let named = current.filter(|incident| incident.group != group).map(|_| group.clone());

    let mut events = Vec::new();
    match current {
        None if fired.is_empty() => return Vec::new(),
        None => {
            let is_said = fired.iter().any(|alert| Severity::is_said(&alert.labels));
            let (part, classifier) = (BTreeSet::new(), classifier.filter(|_| !is_said));
            let is_held = false;
            events.push(IncidentEvent::Opened { group, title, labels, runbook, agent, classifier, part, is_held });
        }
        Some(incident) if !incident.is_open() && is_worse => {
            events.push(IncidentEvent::Reopened { is_flapping: is_flapping(incident, now), is_held: false });
        }
        Some(_) => {}
    }
    let is_open = current.is_none_or(Incident::is_open) || is_worse;
    let is_quieter = !cleared.is_empty() || left_out < left_before;
    let is_over = is_open && firing + fired.len() == 0 && left_out == 0 && left_elsewhere == 0 && is_quieter;
    // What has cleared makes room for what fires.
    events.extend(cleared.into_iter().map(|(state, ended_at)| {
        let fingerprint = current.map(|incident| incident.key_of(state)).unwrap_or_default();
        IncidentEvent::AlertCleared { fingerprint, ended_at, name: state.alert.line(&Labels::default()) }
    }));
    events.extend(
        fired.into_iter().map(|alert| IncidentEvent::AlertFired { alert: Box::new(alert), group: named.clone() }),
    );
    if left_out != left_before {
        events.push(IncidentEvent::AlertsLeftOut { count: left_out, group: named });
    }
    // Comes back with what was silenced for it.
    let reopened = current.filter(|incident| !incident.is_open() && is_worse);
    let length = reopened.and_then(|incident| incident.silence.as_ref()?.to_renew());
    let renewed = |length: &str| IncidentEvent::SilenceWanted { length: length.to_owned(), is_renewed: true };
    events.extend(length.map(renewed));
    events.extend(is_over.then_some(IncidentEvent::Resolved {}));
    let helped = current.filter(|_| is_over).and_then(Incident::helped);
    events.extend(helped.map(|runbook| IncidentEvent::RunbookChangeWanted { runbook }));
    in_incident(current.map_or(id, |incident| incident.id), by, events)
}

/// What an incident knows of a group's alerts, by their fingerprints.
type Known<'a> = BTreeMap<&'a str, &'a AlertState>;

/// Whether it has come back so often lately that one more time is no news.
fn is_flapping(incident: &Incident, now: Timestamp) -> bool {
    let (times, within) = FLAPS;
    incident.reopened_at.iter().filter(|at| now - **at <= within).count() + 1 >= times
}

/// Incidents that are about some alerts of the group only, and which these are.
fn parts<'a>(world: &'a dyn World, group: &GroupKey, now: Timestamp) -> Vec<(&'a Incident, BTreeSet<String>)> {
    let recent = world.incidents().values().filter(|incident| is_recent(incident, now));
    let part = |incident: &'a Incident| {
        let claim = incident.claims().find(|claim| claim.group == *group)?;
        (!claim.only.is_empty()).then_some((incident, claim.only))
    };
    recent.filter_map(part).collect()
}

fn is_recent(incident: &Incident, now: Timestamp) -> bool {
    incident.merged_into.is_none() && incident.resolved_at.is_none_or(|at| now - at <= FLAP)
}

/// The incident that the report is about, if there is one: that of its whole group which is not over, was over only lately,
/// or knows one of its alerts.
fn current<'a>(world: &'a dyn World, id: IncidentId, report: &IncidentReport, now: Timestamp) -> Option<&'a Incident> {
    let knows = |incident: &Incident| {
        let mut known = incident.alerts_of(&report.group);
        known.any(|known| {
            report.alerts.iter().any(|alert| {
                let is_this = known.alert.fingerprint == alert.fingerprint;
                is_this && known.alert.starts_at.timestamp() == alert.starts_at.timestamp()
            })
        })
    };
    let is_meant = |incident: &&Incident| {
        let has = |claim: Claim| claim.group == report.group && claim.only.is_empty();
        let is_candidate = incident.merged_into.is_none() && incident.claims().any(has);
        is_candidate && (is_recent(incident, now) || knows(incident))
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
fn clears<'a>(known: &&'a AlertState, alert: &Alert) -> Option<(&'a AlertState, Timestamp)> {
    let ended_at = alert.ended_at?;
    let is_this = ended_at.timestamp() >= known.alert.starts_at.timestamp();
    (known.cleared_at.is_none() && is_this).then_some((*known, ended_at))
}

/// What is not there any more where the whole group was looked at.
fn gone<'a>(known: &Known<'a>, told: &BTreeMap<String, Alert>, sight: &Sight) -> Vec<(&'a AlertState, Timestamp)> {
    let Sight::Seen { at, source } = sight else { return Vec::new() };
    let is_gone = |state: &&AlertState| {
        let alert = &state.alert;
        state.cleared_at.is_none() && alert.source == *source && !told.contains_key(&alert.fingerprint)
    };
    known.values().copied().filter(is_gone).map(|state| (state, *at)).collect()
}

/// As many of the alerts that begin to fire as there is room for, those that are known first, and how many are left out.
fn fitting(known: &Known<'_>, mut fired: Vec<Alert>, room: usize) -> (Vec<Alert>, u32) {
    let order = |alert: &Alert| {
        let fingerprint = alert.fingerprint.clone();
        (!known.contains_key(fingerprint.as_str()), alert.starts_at, fingerprint)
    };
    fired.sort_by_cached_key(order);
    let beyond = fired.len().saturating_sub(room);
    fired.truncate(room);
    (fired, u32::try_from(beyond).unwrap_or(u32::MAX))
}
