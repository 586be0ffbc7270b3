//! Merging two incidents, and splitting one.

use std::collections::BTreeSet;

use super::{find_open, in_incident, visible};
use crate::domain::{Actor, IncidentId, Rejection, RejectionKind};
use crate::kinds::{AlertState, Decided, Incident, IncidentEvent, Labels, World};

/// What fires in `id` goes on in `into`, and so does whatever its groups are told of later.
pub(in crate::kinds::incident) fn merge(
    world: &dyn World,
    id: IncidentId,
    into: IncidentId,
    by: &Actor,
) -> Result<Vec<Decided>, Rejection> {
    let merged = find_open(world, id)?;
    let stays = find_open(world, into)?;
    if id == into {
        return Err(invalid("an incident cannot be merged into itself").hint("name another one"));
    }
    if let Some(run) = merged.mitigation() {
        let message = format!("incident {} is being mitigated by run {}", id.short(), run.run.short());
        return Err(Rejection::new(RejectionKind::AlreadySettled, message)
            .hint("merge the other one into it, or wait until the run has ended"));
    }
    let room = Incident::MOST_ALERTS.saturating_sub(stays.firing().count());
    if merged.firing().count() > room {
        let message = format!("together they have more than {} alerts that fire", Incident::MOST_ALERTS);
        return Err(invalid(&message).hint("link them with a note instead"));
    }
    let mut events = vec![IncidentEvent::Absorbed { incident: id, claims: merged.claims().collect() }];
    events.extend(merged.firing().map(|state| {
        let group = state.group.as_ref().unwrap_or(&merged.group);
        let group = (*group != stays.group).then(|| group.clone());
        IncidentEvent::AlertFired { alert: Box::new(state.alert.clone()), group }
    }));
    let groups: BTreeSet<_> = merged.groups().collect();
    events.extend(groups.into_iter().filter(|group| merged.left_out_in(group) > 0).map(|group| {
        let count = stays.left_out_in(group).saturating_add(merged.left_out_in(group));
        let group = (*group != stays.group).then(|| group.clone());
        IncidentEvent::AlertsLeftOut { count, group }
    }));
    let mut decided = in_incident(into, by, events);
    decided.extend(in_incident(id, by, [IncidentEvent::Merged { into }]));
    Ok(decided)
}

/// The alerts that have `label` become an incident of their own, which the person who asked has acknowledged.
pub(in crate::kinds::incident) fn split(
    world: &dyn World,
    id: IncidentId,
    label: &str,
    by: &Actor,
) -> Result<Vec<Decided>, Rejection> {
    let incident = find_open(world, id)?;
    let (name, value) =
        label.split_once('=').ok_or_else(|| invalid("a label is written NAME=VALUE").hint("for example svc=api"))?;
    let goes = |state: &&AlertState| state.alert.labels.get(name.trim()) == Some(value.trim());
    let gone: Vec<_> = incident.firing().filter(goes).collect();
    let (Some(first), true) = (gone.first(), gone.len() < incident.firing().count()) else {
        let which = if gone.is_empty() { "no alert that fires has" } else { "all alerts that fire have" };
        let message = format!("{which} the label {}", visible(label));
        return Err(invalid(&message).hint("name a label that some of them have"));
    };
    if gone.iter().any(|state| state.group != first.group) {
        return Err(invalid("these alerts come from incidents that were merged")
            .hint("name a label that only the alerts of one of them have"));
    }
    let group = first.group.as_ref().unwrap_or(&incident.group).clone();
    let began = gone.iter().map(|state| state.alert.starts_at).min().unwrap_or(incident.opened_at);
    let new = group.part(id, incident.version).incident(began);
    let mut events = vec![IncidentEvent::Opened {
        group,
        title: incident.title.clone(),
        labels: Labels::shared(gone.iter().map(|state| &state.alert.labels)),
        runbook: incident.runbook.clone(),
        agent: incident.agent.clone(),
        classifier: None,
        part: gone.iter().map(|state| state.alert.fingerprint.clone()).collect(),
        is_held: false,
    }];
    let fired = |state: &&AlertState| IncidentEvent::AlertFired { alert: Box::new(state.alert.clone()), group: None };
    events.extend(gone.iter().map(fired));
    events.push(IncidentEvent::Acknowledged {});
    let alerts = gone.iter().map(|state| incident.key_of(state)).collect();
    let mut decided = in_incident(id, by, [IncidentEvent::Split { incident: new, alerts }]);
    decided.extend(in_incident(new, by, events));
    Ok(decided)
}

fn invalid(message: &str) -> Rejection {
    Rejection::new(RejectionKind::Invalid, message)
}
