//! What may be asked of an incident.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alert::Alert;
use super::group::GroupKey;
use super::labels::Labels;
use crate::domain::{IncidentId, RunId, Timestamp, Untrusted};
use crate::kinds::{Stream, Verb, Words, verbs};

verbs! {
    /// What may be asked of an incident.
    IncidentVerb of Incident {
        /// Acknowledge the incident
        Acknowledge = "acknowledge", HandleIncidents;
        /// Assign it to a person
        Assign {
            /// The name that they sign in with.
            to: String,
        } = "assign", HandleIncidents;
        /// Add a note to its timeline
        Note {
            /// What you saw or did.
            text: Untrusted,
        } = "note", HandleIncidents;
        /// Start the runbook that matches it, or the agent where none does
        Runbook {
            /// Another runbook than the one that matches, or an agent.
            #[serde(default)]
            name: Option<String>,
        } = "runbook", StartRuns;
        /// Link a run to it
        Link {
            /// The run's whole id.
            run: RunId,
        } = "link", HandleIncidents;
        /// Merge it into another incident, which takes over its alerts
        Merge {
            /// The incident that stays.
            into: IncidentId,
        } = "merge", HandleIncidents;
        /// Split off the alerts that have a label, as an incident of their own
        Split {
            /// A label of the alerts that go: NAME=VALUE.
            label: String,
        } = "split", HandleIncidents;
        /// Mute its pages for a time, unless it gets worse
        Snooze {
            /// How long: 30m, 2h, at most 7d.
            length: String,
        } = "snooze", HandleIncidents;
        /// Silence its alerts in Alertmanager until it is resolved, after approval
        Silence {
            /// How long at most: 30m, 2h, at most 7d.
            length: String,
        } = "silence", HandleIncidents;
        /// Replace the text of its postmortem
        Amend {
            /// All of the text, in Markdown.
            text: Untrusted,
        } = "amend", HandleIncidents;
        /// Resolve it, whatever its alerts do
        Resolve = "resolve", HandleIncidents;
        /// Reopen it
        Reopen = "reopen", HandleIncidents;
        /// Note that it is snoozed no longer
        Wake = "wake", Orchestrate;
        /// Note that its runbook cannot be started
        GiveUp {
            run: RunId,
            reason: Untrusted,
        } = "give-up", Orchestrate;
        /// Take in what a source of alerts tells of its group
        Report {
            #[schemars(with = "serde_json::Value")]
            report: Box<IncidentReport>,
        } = "report", Orchestrate;
    }
}

/// What a source of alerts tells of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentReport {
    pub group: GroupKey,
    pub title: Untrusted,
    /// What the group's alerts share.
    pub labels: Labels,
    /// The runbook that matches these labels.
    #[serde(default)]
    pub runbook: Option<String>,
    /// The agent that handles it where no runbook matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    pub alerts: Vec<Alert>,
    /// How many that fire were left out by the source.
    #[serde(default)]
    pub left_out: u32,
    pub sight: Sight,
}

/// Whether a report was sent at some time, or is what was so at a known one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
    /// Sent: it may arrive late, twice, or after a newer one.
    Told,
    /// Looked at in this source: all that the group has there, and so what it does not have is over.
    Seen { at: Timestamp, source: Untrusted },
}

impl Verb for IncidentVerb {
    fn words(&mut self, each: &mut dyn FnMut(Words<'_>)) {
        match self {
            Self::Note { text } | Self::Amend { text } => each(Words::Text(text)),
            Self::GiveUp { reason, .. } => each(Words::Text(reason)),
            Self::Report { report } => words_of(report, each),
            // Names and ids are compared, and mean something else with a word of them replaced.
            Self::Assign { .. }
            | Self::Runbook { .. }
            | Self::Link { .. }
            | Self::Merge { .. }
            | Self::Split { .. }
            | Self::Snooze { .. }
            | Self::Silence { .. }
            | Self::Wake
            | Self::Acknowledge
            | Self::Resolve
            | Self::Reopen => {}
        }
    }

    fn names(&self) -> Option<Stream> {
        match self {
            Self::Link { run } => Some(Stream::Run(*run)),
            Self::Merge { into } => Some(Stream::Incident(*into)),
            Self::Acknowledge
            | Self::Assign { .. }
            | Self::Note { .. }
            | Self::Runbook { .. }
            | Self::Split { .. }
            | Self::Snooze { .. }
            | Self::Silence { .. }
            | Self::Amend { .. }
            | Self::Resolve
            | Self::Reopen
            | Self::Wake
            | Self::GiveUp { .. }
            | Self::Report { .. } => None,
        }
    }
}

/// A secret that got into a label is as secret as elsewhere.
fn words_of(report: &mut IncidentReport, each: &mut dyn FnMut(Words<'_>)) {
    let IncidentReport { group: _, title, labels, runbook: _, agent: _, alerts, left_out: _, sight: _ } = report;
    each(Words::Text(title));
    labels.texts().for_each(|text| each(Words::Text(text)));
    for Alert { fingerprint: _, starts_at: _, ended_at: _, labels, annotations, url, source: _, marks: _ } in alerts {
        labels.texts().chain(annotations.texts()).for_each(|text| each(Words::Text(text)));
        each(Words::Text(url));
    }
}
