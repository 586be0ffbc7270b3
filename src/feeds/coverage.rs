//! Which of the alerts that came have a runbook, and whether it was used.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::probe_report::incidents_since;
use super::rules::Rules;
use crate::domain::{RunState, Timestamp, Untrusted};
use crate::kinds::{Incident, Labels};
use crate::ports::{Client, ClientError};

/// The alerts of one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Covered {
    /// Their label `alertname`, else the title of the incident.
    pub alert: Untrusted,
    /// How many incidents they were part of.
    pub incidents: u32,
    pub last: Timestamp,
    /// The runbook that matches them as the procedures are now; `null` where none does.
    pub runbook: Option<String>,
    /// How often a runbook was started for these incidents, and how often it succeeded.
    pub started: u32,
    pub succeeded: u32,
}

/// By alert, those that came most often first.
pub async fn coverage(client: &dyn Client, rules: &Rules, since: Timestamp) -> Result<Vec<Covered>, ClientError> {
    let mut found: BTreeMap<Untrusted, Covered> = BTreeMap::new();
    for incident in incidents_since(client, since).await?.iter().filter(|incident| incident.opened_at >= since) {
        let mut told = BTreeSet::new();
        for labels in labels_of(incident) {
            let name = labels.get("alertname").map_or_else(|| incident.title.clone(), Untrusted::from);
            if told.insert(name.clone()) {
                let runbook = rules.runbook(labels);
                found.entry(name.clone()).or_insert_with(|| Covered::none_of(name, incident)).add(incident, runbook);
            }
        }
    }
    let mut found: Vec<_> = found.into_values().collect();
    found.sort_by_key(|covered| std::cmp::Reverse((covered.incidents, covered.last)));
    Ok(found)
}

/// Of each alert that is kept; where none is, what all of them shared.
fn labels_of(incident: &Incident) -> Vec<&Labels> {
    let kept: Vec<_> = incident.alerts.values().map(|state| &state.alert.labels).collect();
    if kept.is_empty() { vec![&incident.labels] } else { kept }
}

impl Covered {
    fn none_of(alert: Untrusted, incident: &Incident) -> Self {
        Self { alert, incidents: 0, last: incident.opened_at, runbook: None, started: 0, succeeded: 0 }
    }

    fn add(&mut self, incident: &Incident, runbook: Option<String>) {
        self.incidents += 1;
        self.last = self.last.max(incident.opened_at);
        self.runbook = self.runbook.take().or(runbook);
        for run in incident.runs.iter().filter(|run| run.runbook.is_some()) {
            self.started += 1;
            self.succeeded += u32::from(run.ended == Some(RunState::Succeeded));
        }
    }
}
