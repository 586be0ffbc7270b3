//! What a source that is asked has: all of its groups, and what follows from them.

use std::collections::{BTreeMap, BTreeSet};

use super::group::{Group, Grouping, beginning};
use crate::domain::{IncidentId, Timestamp, Untrusted};
use crate::kinds::{Command, GroupKey, Incident, IncidentReport, IncidentVerb, Labels, Sight};

/// The groups that there are, and alerts among them that call nobody.
#[derive(Default)]
pub(super) struct Groups {
    groups: BTreeMap<GroupKey, Group>,
    suppressed: BTreeSet<String>,
}

impl Groups {
    pub(super) fn add(&mut self, group: Group) {
        // Each receiver of an Alertmanager has its own group of the same alerts.
        match self.groups.get_mut(&group.key) {
            Some(known) => known.alerts.extend(group.alerts),
            None => drop(self.groups.insert(group.key.clone(), group)),
        }
    }

    /// The alert with this fingerprint calls nobody.
    pub(super) fn suppress(&mut self, fingerprint: &str) {
        self.suppressed.insert(fingerprint.to_owned());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }
}

/// What follows from looking into `source` at `at`: of the groups in which something calls somebody, and of those of
/// `open` in which nothing does any more.
pub(super) fn commands(
    groups: Groups,
    open: &[Incident],
    (source, at): (&str, Timestamp),
    grouping: &Grouping,
) -> Vec<Command> {
    let Groups { mut groups, suppressed } = groups;
    groups.retain(|key, group| {
        let is_known = |fingerprint: &String| open.iter().any(|incident| incident.knows(key, fingerprint));
        group.alerts.retain(|told| !suppressed.contains(&told.fingerprint) || is_known(&told.fingerprint));
        !group.alerts.is_empty()
    });
    let source_text = beginning(source);
    let sight = Sight::Seen { at, source: source_text.clone() };
    let (overflow, open): (Vec<_>, Vec<_>) = open.iter().partition(|incident| incident.group == GroupKey::overflow());
    let fires_here = |incident: &Incident, group: &GroupKey| {
        let mut alerts = incident.alerts_of(group);
        alerts.any(|state| state.cleared_at.is_none() && state.alert.source == source_text)
    };
    let mut commands = Vec::new();
    for incident in open {
        let gone = incident.groups().filter(|group| !groups.contains_key(*group) && fires_here(incident, group));
        commands.extend(gone.map(|group| emptied(group.clone(), incident.id, sight.clone())));
    }
    // Those that have no incident of their own are listed by their digests.
    let listed = overflow.into_iter().flat_map(Incident::firing).filter(|state| state.alert.source == source_text);
    let listed = listed.map(|state| GroupKey::of_digest(&state.alert.fingerprint));
    commands.extend(listed.filter(|group| !groups.contains_key(group)).map(|group| {
        let id = group.incident(at);
        emptied(group, id, sight.clone())
    }));
    let there = groups.into_values();
    commands.extend(there.filter_map(|group| group.command(source, sight.clone(), &grouping.rules)));
    commands
}

/// That nothing of a group is there any more.
fn emptied(group: GroupKey, id: IncidentId, sight: Sight) -> Command {
    let report = IncidentReport {
        group,
        title: Untrusted::default(),
        labels: Labels::default(),
        runbook: None,
        agent: None,
        classifier: None,
        alerts: Vec::new(),
        left_out: 0,
        sight,
    };
    IncidentVerb::Report { report: Box::new(report) }.on(id)
}
