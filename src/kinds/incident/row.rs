//! One incident as it is now: its alerts, who is on it, what was started for it, and the end of its timeline.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alert::Alert;
use super::event::IncidentEvent;
use super::group::GroupKey;
use super::labels::{Labels, short};
use super::severity::Severity;
use crate::domain::{Actor, IncidentId, RunId, RunState, Timestamp, Untrusted};
use crate::kinds::{KindEvent, Stamp, Stream, Wanted};

/// Entries of the timeline that a row keeps; the log has all.
const TIMELINE: usize = 50;

/// An incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    pub id: IncidentId,
    pub version: u64,
    pub group: GroupKey,
    pub title: Untrusted,
    /// The worst that any of its alerts was.
    pub severity: Severity,
    pub state: IncidentState,
    /// What all of its alerts share.
    pub labels: Labels,
    pub runbook: Option<String>,
    /// By their fingerprints.
    pub alerts: BTreeMap<String, AlertState>,
    /// Alerts that fire and are not among these.
    pub left_out: u32,
    pub opened_at: Timestamp,
    /// When it last opened again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened_at: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    pub acknowledged_by: Option<Actor>,
    pub acknowledged_at: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    pub assigned_to: Option<Actor>,
    pub resolved_at: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    pub resolved_by: Option<Actor>,
    pub runs: Vec<LinkedRun>,
    pub timeline: Vec<Moment>,
}

/// What is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Nobody is on it yet.
    Firing,
    Acknowledged,
    /// A run that was started for it is under way.
    Mitigating,
    Resolved,
}

impl IncidentState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Acknowledged => "acknowledged",
            Self::Mitigating => "mitigating",
            Self::Resolved => "resolved",
        }
    }
}

/// An alert as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertState {
    #[serde(flatten)]
    pub alert: Alert,
    /// When it was taken note of that it had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared_at: Option<Timestamp>,
}

/// A run that is about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LinkedRun {
    pub run: RunId,
    /// The runbook it runs, where it was started for this incident, and since which event.
    pub runbook: Option<String>,
    pub since: u64,
    pub at: Timestamp,
    /// Who started or linked it.
    #[schemars(with = "String")]
    pub done_by: Actor,
    pub ended: Option<RunState>,
}

/// Something on the timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Moment {
    pub at: Timestamp,
    #[schemars(with = "String")]
    pub done_by: Actor,
    pub event: String,
    pub what: Untrusted,
}

impl Incident {
    /// Alerts that are kept one by one; where there are more, those that cleared first are forgotten.
    pub const MOST_ALERTS: usize = 256;

    pub(super) fn opened(id: IncidentId, event: &IncidentEvent, stamp: &Stamp<'_>) -> Option<Self> {
        let IncidentEvent::Opened { group, title, labels, runbook } = event else { return None };
        let mut opened = Self {
            id,
            version: stamp.version,
            group: group.clone(),
            title: title.clone(),
            severity: Severity::of(labels),
            state: IncidentState::Firing,
            labels: labels.clone(),
            runbook: runbook.clone(),
            alerts: BTreeMap::new(),
            left_out: 0,
            opened_at: stamp.at,
            reopened_at: None,
            acknowledged_by: None,
            acknowledged_at: None,
            assigned_to: None,
            resolved_at: None,
            resolved_by: None,
            runs: Vec::new(),
            timeline: Vec::new(),
        };
        opened.remember(event, stamp);
        Some(opened)
    }

    pub(super) fn take_in(&mut self, event: &IncidentEvent, stamp: &Stamp<'_>) {
        self.version = stamp.version;
        match event {
            IncidentEvent::Opened { .. } | IncidentEvent::Noted { .. } => {}
            IncidentEvent::AlertFired { alert } => {
                self.severity = self.severity.max(alert.severity());
                self.make_room(&alert.fingerprint);
                let state = AlertState { alert: (**alert).clone(), cleared_at: None };
                self.alerts.insert(alert.fingerprint.clone(), state);
            }
            IncidentEvent::AlertCleared { fingerprint, ended_at, .. } => {
                if let Some(known) = self.alerts.get_mut(fingerprint) {
                    known.alert.ended_at = Some(*ended_at);
                    known.cleared_at = Some(stamp.at);
                }
            }
            IncidentEvent::AlertsLeftOut { count } => self.left_out = *count,
            IncidentEvent::Acknowledged {} => {
                (self.acknowledged_by, self.acknowledged_at) = (Some(stamp.by.clone()), Some(stamp.at));
            }
            IncidentEvent::Assigned { to } => self.assigned_to = Some(to.clone()),
            IncidentEvent::RunbookStarted { runbook } => {
                let run = self.wanted(runbook, stamp).run();
                self.runs.push(LinkedRun::new(run, Some(runbook.clone()), stamp));
            }
            IncidentEvent::Linked { run } => self.runs.push(LinkedRun::new(*run, None, stamp)),
            IncidentEvent::RunEnded { run, state, .. } => {
                self.runs.iter_mut().filter(|linked| linked.run == *run).for_each(|linked| linked.ended = Some(*state));
            }
            IncidentEvent::Resolved {} => {
                (self.resolved_at, self.resolved_by) = (Some(stamp.at), Some(stamp.by.clone()));
            }
            IncidentEvent::Reopened {} => {
                (self.resolved_at, self.resolved_by) = (None, None);
                (self.acknowledged_at, self.acknowledged_by) = (None, None);
                self.reopened_at = Some(stamp.at);
            }
        }
        self.state = self.state_now();
        self.remember(event, stamp);
    }

    /// Forgets the alert that cleared first, where another one than those that are known has no room.
    fn make_room(&mut self, fingerprint: &str) {
        if self.alerts.len() < Self::MOST_ALERTS || self.alerts.contains_key(fingerprint) {
            return;
        }
        let cleared = self.alerts.iter().filter_map(|(known, state)| Some((state.cleared_at?, known.clone())));
        if let Some((_, oldest)) = cleared.min() {
            self.alerts.remove(&oldest);
        }
    }

    fn state_now(&self) -> IncidentState {
        let is_started = |linked: &LinkedRun| linked.runbook.is_some() && linked.ended.is_none();
        match (self.resolved_at, self.acknowledged_at) {
            (Some(_), _) => IncidentState::Resolved,
            (None, _) if self.runs.iter().any(is_started) => IncidentState::Mitigating,
            (None, Some(_)) => IncidentState::Acknowledged,
            (None, None) => IncidentState::Firing,
        }
    }

    fn remember(&mut self, event: &IncidentEvent, stamp: &Stamp<'_>) {
        let alert = if let IncidentEvent::AlertFired { alert } = event { Some(alert.line(&self.labels)) } else { None };
        let what = alert.unwrap_or_else(|| event.remark());
        let event = event.name().trim_start_matches("incident.").replace('_', " ");
        self.timeline.push(Moment { at: stamp.at, done_by: stamp.by.clone(), event, what: short(what.raw()) });
        // The first says how it began.
        if self.timeline.len() > TIMELINE {
            self.timeline.remove(1);
        }
    }

    /// Alerts that fire.
    pub fn firing(&self) -> impl Iterator<Item = &AlertState> {
        self.alerts.values().filter(|alert| alert.cleared_at.is_none())
    }

    pub fn is_open(&self) -> bool {
        self.resolved_at.is_none()
    }

    /// Who is on it: whom it was given to, or else who acknowledged it.
    pub fn holder(&self) -> Option<&Actor> {
        self.assigned_to.as_ref().or(self.acknowledged_by.as_ref())
    }

    /// The run of a runbook that was started by the event with this stamp.
    pub(super) fn wanted(&self, runbook: &str, stamp: &Stamp<'_>) -> Wanted {
        let (of, by, procedure) = (Stream::Incident(self.id), stamp.by.clone(), runbook.to_owned());
        let Stamp { version: since, at, .. } = *stamp;
        Wanted { of, since, at, by, rule: "runbook", procedure, inputs: self.inputs() }
    }

    /// What a runbook is told: the labels that all alerts share and those of the first that fires. Programs get them as
    /// variables of their environment, never as a part of a command.
    fn inputs(&self) -> BTreeMap<String, Untrusted> {
        let first = self.firing().min_by_key(|alert| (alert.alert.starts_at, &alert.alert.fingerprint));
        let first = first.into_iter().flat_map(|alert| alert.alert.labels.iter());
        let all = first.chain(self.labels.iter());
        let mut inputs: BTreeMap<_, _> = all
            .filter(|(name, value)| is_name(name.raw()) && !value.raw().contains('\0'))
            .map(|(name, value)| (format!("LABEL_{}", name.raw()), value.clone()))
            .collect();
        inputs.insert("INCIDENT".to_owned(), self.id.to_string().into());
        inputs
    }
}

/// Whether a shell can have a variable that ends like this.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl LinkedRun {
    fn new(run: RunId, runbook: Option<String>, stamp: &Stamp<'_>) -> Self {
        Self { run, runbook, since: stamp.version, at: stamp.at, done_by: stamp.by.clone(), ended: None }
    }
}
