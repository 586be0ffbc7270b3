//! One incident as it is now: its alerts, who is on it, what was started for it, and the end of its timeline.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alert::Alert;
use super::event::IncidentEvent;
use super::group::{Claim, GroupKey};
use super::hold::Hold;
use super::judged::{Judged, SeveritySet};
use super::labels::{Labels, short};
use super::proposal::{MOST_KEPT, Proposal, RunbookChange};
use super::severity::Severity;
use super::silence::Silence;
use crate::domain::{Actor, FailureKind, IncidentId, RunId, RunState, Timestamp, Untrusted};
use crate::kinds::{Handler, KindEvent, RunEvent, Stamp, Stream, Wanted};

/// Entries of the timeline that a row keeps; the log has all.
const TIMELINE: usize = 50;

/// Times that it was reopened which a row keeps.
const MOST_REOPENED: usize = 8;

/// An incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    pub id: IncidentId,
    pub version: u64,
    pub group: GroupKey,
    /// The only alerts of the group that it is about, where it was split off.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub part: BTreeSet<String>,
    /// What else belongs to it, of incidents that were merged into it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Claim>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<IncidentId>,
    pub title: Untrusted,
    /// The worst that any of its alerts was, or as a model or a person says.
    pub severity: Severity,
    pub state: IncidentState,
    /// What all of its alerts share.
    pub labels: Labels,
    pub runbook: Option<String>,
    /// The agent that handles it where no runbook matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The agent that is asked how bad it is, where its alerts do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<Judged>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity_set: Option<SeveritySet>,
    /// By their fingerprints; of another group than its own, with the beginning of that group's key before it.
    pub alerts: BTreeMap<String, AlertState>,
    /// Alerts that fire and are not among these, and how many of them are of which other group.
    pub left_out: u32,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out_of: BTreeMap<GroupKey, u32>,
    pub opened_at: Timestamp,
    /// It calls nobody until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<Timestamp>,
    /// Why it is held back, and calls nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Hold>,
    /// When it was reopened, the last few times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reopened_at: Vec<Timestamp>,
    /// When it last began to call somebody again: reopened other than by flapping, snoozed no more, or released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called_at: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    pub acknowledged_by: Option<Actor>,
    pub acknowledged_at: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    pub assigned_to: Option<Actor>,
    pub resolved_at: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    pub resolved_by: Option<Actor>,
    pub runs: Vec<LinkedRun>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<Silence>,
    /// Changes to runbooks that its runs proposed, the last few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Proposal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<RunbookChange>,
    pub timeline: Vec<Moment>,
}

/// What is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Nobody is on it yet.
    Firing,
    /// It is expected, or follows from something else that fires.
    Held,
    Acknowledged,
    /// A run that was started for it is under way.
    Mitigating,
    Resolved,
}

impl IncidentState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Held => "held",
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
    /// Its group, where that is not the incident's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupKey>,
    /// When it was taken note of that it had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared_at: Option<Timestamp>,
}

/// A run that is about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LinkedRun {
    pub run: RunId,
    /// The runbook or agent it runs, where it was started for this incident, and since which event.
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
        let IncidentEvent::Opened { group, title, labels, runbook, agent, classifier, part, .. } = event else {
            return None;
        };
        let mut opened = Self {
            id,
            version: stamp.version,
            group: group.clone(),
            part: part.clone(),
            also: Vec::new(),
            merged_into: None,
            title: title.clone(),
            severity: Severity::of(labels),
            state: IncidentState::Firing,
            labels: labels.clone(),
            runbook: runbook.clone(),
            agent: agent.clone(),
            classifier: classifier.clone(),
            judged: None,
            severity_set: None,
            alerts: BTreeMap::new(),
            left_out: 0,
            left_out_of: BTreeMap::new(),
            opened_at: stamp.at,
            snoozed_until: None,
            held: None,
            reopened_at: Vec::new(),
            called_at: None,
            acknowledged_by: None,
            acknowledged_at: None,
            assigned_to: None,
            resolved_at: None,
            resolved_by: None,
            runs: Vec::new(),
            silence: None,
            proposals: Vec::new(),
            change: None,
            timeline: Vec::new(),
        };
        opened.remember(event, stamp);
        Some(opened)
    }

    pub(super) fn take_in(&mut self, event: &IncidentEvent, stamp: &Stamp<'_>) {
        self.version = stamp.version;
        match event {
            IncidentEvent::Opened { .. } | IncidentEvent::Noted { .. } | IncidentEvent::Amended { .. } => {}
            IncidentEvent::AlertFired { alert, group } => {
                if let Some(worse) = self.worse(alert.severity()) {
                    (self.severity, self.snoozed_until) = (worse, None);
                }
                let key = self.key(group.as_ref().unwrap_or(&self.group), &alert.fingerprint);
                self.make_room(&key);
                let state = AlertState { alert: (**alert).clone(), group: group.clone(), cleared_at: None };
                self.alerts.insert(key, state);
            }
            IncidentEvent::AlertCleared { fingerprint, ended_at, .. } => {
                if let Some(known) = self.alerts.get_mut(fingerprint) {
                    known.alert.ended_at = Some(*ended_at);
                    known.cleared_at = Some(stamp.at);
                }
            }
            IncidentEvent::AlertsLeftOut { count, group } => {
                let own = if group.is_none() { *count } else { self.left_out_in(&self.group) };
                if let Some(group) = group {
                    self.left_out_of.insert(group.clone(), *count);
                    self.left_out_of.retain(|_, count| *count > 0);
                }
                self.left_out = self.left_out_of.values().fold(own, |sum, count| sum.saturating_add(*count));
            }
            IncidentEvent::Acknowledged {} => {
                (self.acknowledged_by, self.acknowledged_at) = (Some(stamp.by.clone()), Some(stamp.at));
            }
            IncidentEvent::SeverityJudged { run, severity, reason } => {
                self.be_judged(Judged { run: *run, severity: *severity, reason: reason.clone() });
            }
            IncidentEvent::SeveritySet { severity } => self.be_set(*severity, stamp.by),
            IncidentEvent::Assigned { to } => self.assigned_to = Some(to.clone()),
            IncidentEvent::RunbookStarted { runbook } => {
                let run = self.wanted(runbook, stamp).run();
                self.runs.push(LinkedRun::new(run, Some(runbook.clone()), stamp));
            }
            IncidentEvent::RunbookChangeWanted { runbook } => self.change = Some(self.change_to(runbook, stamp)),
            IncidentEvent::Linked { run } => self.runs.push(LinkedRun::new(*run, None, stamp)),
            IncidentEvent::RunEnded { run, state, escalates, proposed, helped, .. } => {
                self.proposals.extend(proposed.iter().cloned());
                self.proposals.drain(..self.proposals.len().saturating_sub(MOST_KEPT));
                if *escalates {
                    (self.acknowledged_at, self.acknowledged_by, self.snoozed_until) = (None, None, None);
                    self.called_at = Some(stamp.at);
                }
                let ended = self.runs.iter_mut().filter(|linked| linked.run.is_alike(run));
                ended.for_each(|linked| (linked.run, linked.ended) = (*run, Some(*state)));
                self.silence.iter_mut().for_each(|silence| silence.ended(*run, *state));
                let runbook = self.runs.iter().rfind(|linked| linked.runbook.is_some() && *helped);
                let runbook = runbook.and_then(|linked| linked.runbook.clone());
                self.change = runbook.map(|name| self.change_to(&name, stamp)).or_else(|| self.change.take());
                let change = self.change.iter_mut().filter(|change| change.run.is_alike(run));
                change.for_each(|change| (change.run, change.has_ended) = (*run, true));
            }
            IncidentEvent::SilenceWanted { length, is_renewed } => {
                let run = self.silencing(length, stamp).run();
                // Made again in the name of the person who wanted it: they do not approve it.
                let before = self.silence.take();
                let first = before.as_ref().filter(|_| *is_renewed).map(|silence| &silence.wanted_by);
                let stamp = Stamp { by: first.unwrap_or(stamp.by), ..*stamp };
                self.silence = Some(Silence::new(length, run, before.as_ref(), &stamp));
            }
            IncidentEvent::Absorbed { claims, .. } => claims.iter().for_each(|claim| self.claim(claim)),
            IncidentEvent::Merged { into } => {
                self.end(stamp);
                self.merged_into = Some(*into);
                self.alerts.values_mut().for_each(|state| state.cleared_at = state.cleared_at.or(Some(stamp.at)));
                (self.left_out, self.left_out_of) = (0, BTreeMap::new());
            }
            IncidentEvent::Split { alerts, .. } => self.alerts.retain(|key, _| !alerts.contains(key)),
            IncidentEvent::Snoozed { until } => self.snoozed_until = Some(*until),
            IncidentEvent::Woke {} => (self.snoozed_until, self.called_at) = (None, Some(stamp.at)),
            IncidentEvent::Resolved {} => self.end(stamp),
            IncidentEvent::Held { why } => self.held = Some(why.clone()),
            IncidentEvent::Released { is_quiet } => {
                self.held = None;
                self.called_at = if *is_quiet { self.called_at } else { Some(stamp.at) };
            }
            IncidentEvent::Reopened { is_flapping, .. } => {
                (self.resolved_at, self.resolved_by, self.merged_into) = (None, None, None);
                if !is_flapping {
                    (self.acknowledged_at, self.acknowledged_by) = (None, None);
                    self.called_at = Some(stamp.at);
                }
                self.silence.iter_mut().for_each(Silence::reopen);
                self.reopened_at.push(stamp.at);
                if self.reopened_at.len() > MOST_REOPENED {
                    self.reopened_at.remove(0);
                }
            }
        }
        self.state = self.state_now();
        self.remember(event, stamp);
    }

    fn end(&mut self, stamp: &Stamp<'_>) {
        (self.resolved_at, self.resolved_by, self.snoozed_until) = (Some(stamp.at), Some(stamp.by.clone()), None);
        self.held = None;
        let lifting = self.lifting(stamp.version, stamp.at).run();
        self.silence = self.silence.take().map(|silence| silence.end(lifting, stamp));
    }

    /// Whether it is to be told of the end of this run.
    pub(super) fn waits_for_run(&self, run: RunId) -> bool {
        let is_linked = self.runs.iter().any(|linked| linked.run == run && linked.ended.is_none());
        let is_change = self.change.as_ref().is_some_and(|change| change.run.is_alike(&run) && !change.has_ended);
        is_linked || is_change || self.silence.as_ref().is_some_and(|silence| silence.waits_for(run))
    }

    /// Whether the end of a run calls for somebody: a runbook failed, and not because a person decided against a step.
    pub(super) fn escalates(&self, run: RunId, ended: &RunEvent) -> bool {
        let RunEvent::Failed { because, .. } = ended else { return false };
        let was_decided = matches!(because, Some(FailureKind::Denied | FailureKind::Withdrawn | FailureKind::GaveUp));
        !was_decided && self.runs.iter().any(|linked| linked.run == run && linked.runbook.is_some())
    }

    /// What its alerts are known by.
    pub(super) fn key(&self, group: &GroupKey, fingerprint: &str) -> String {
        match *group == self.group {
            true => fingerprint.to_owned(),
            false => format!("{}:{fingerprint}", group.short()),
        }
    }

    pub(super) fn key_of(&self, state: &AlertState) -> String {
        self.key(state.group.as_ref().unwrap_or(&self.group), &state.alert.fingerprint)
    }

    fn claim(&mut self, claim: &Claim) {
        let only = match self.also.iter_mut().find(|known| known.group == claim.group) {
            Some(known) => &mut known.only,
            None if claim.group == self.group => &mut self.part,
            None => return self.also.push(claim.clone()),
        };
        match claim.only.is_empty() || only.is_empty() {
            true => only.clear(),
            false => only.extend(claim.only.iter().cloned()),
        }
    }

    /// All that belongs to it.
    pub(super) fn claims(&self) -> impl Iterator<Item = Claim> {
        let own = Claim { group: self.group.clone(), only: self.part.clone() };
        std::iter::once(own).chain(self.also.iter().cloned())
    }

    /// The groups that its alerts are of.
    pub fn groups(&self) -> impl Iterator<Item = &GroupKey> {
        std::iter::once(&self.group).chain(self.also.iter().map(|claim| &claim.group))
    }

    /// Whether it has had the alert of this group.
    pub fn knows(&self, group: &GroupKey, fingerprint: &str) -> bool {
        self.alerts.contains_key(&self.key(group, fingerprint))
    }

    /// Its alerts of one group.
    pub fn alerts_of(&self, group: &GroupKey) -> impl Iterator<Item = &AlertState> {
        self.alerts.values().filter(move |state| state.group.as_ref().unwrap_or(&self.group) == group)
    }

    /// How many alerts of a group fire that are not kept one by one.
    pub(super) fn left_out_in(&self, group: &GroupKey) -> u32 {
        match *group == self.group {
            true => self.left_out_of.values().fold(self.left_out, |own, count| own.saturating_sub(*count)),
            false => self.left_out_of.get(group).copied().unwrap_or(0),
        }
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
        match (self.resolved_at, self.acknowledged_at) {
            (Some(_), _) => IncidentState::Resolved,
            (None, _) if self.mitigation().is_some() => IncidentState::Mitigating,
            (None, Some(_)) => IncidentState::Acknowledged,
            (None, None) if self.held.is_some() => IncidentState::Held,
            (None, None) => IncidentState::Firing,
        }
    }

    fn remember(&mut self, event: &IncidentEvent, stamp: &Stamp<'_>) {
        let alert =
            if let IncidentEvent::AlertFired { alert, .. } = event { Some(alert.line(&self.labels)) } else { None };
        let what = alert.unwrap_or_else(|| event.remark());
        let event = event.name().trim_start_matches("incident.").replace('_', " ");
        self.timeline.push(Moment { at: stamp.at, done_by: stamp.by.clone(), event, what: short(what.raw()) });
        // The first says how it began.
        if self.timeline.len() > TIMELINE {
            self.timeline.remove(1);
        }
    }

    /// What all alerts that fire have in common.
    pub(super) fn shared_labels(&self) -> Labels {
        Labels::shared(self.firing().map(|state| &state.alert.labels))
    }

    /// Alerts that fire.
    pub fn firing(&self) -> impl Iterator<Item = &AlertState> {
        self.alerts.values().filter(|alert| alert.cleared_at.is_none())
    }

    /// The same in the order in which they are told: the worst first, and of these the oldest.
    pub(super) fn by_urgency(&self) -> Vec<&AlertState> {
        fn key(state: &AlertState) -> (Reverse<Severity>, Timestamp, &str) {
            (Reverse(state.alert.severity()), state.alert.starts_at, &state.alert.fingerprint)
        }
        let mut firing: Vec<_> = self.firing().collect();
        firing.sort_by(|a, b| key(a).cmp(&key(b)));
        firing
    }

    pub fn is_open(&self) -> bool {
        self.resolved_at.is_none()
    }

    /// The run of a runbook that was started for it and is under way.
    pub fn mitigation(&self) -> Option<&LinkedRun> {
        self.runs.iter().find(|linked| linked.runbook.is_some() && linked.ended.is_none())
    }

    /// What is started for it where nothing is named: the runbook that matches, or else the agent.
    pub fn handler(&self) -> Option<&str> {
        self.runbook.as_deref().or(self.agent.as_deref())
    }

    /// Who is on it: whom it was given to, or else who acknowledged it.
    pub fn holder(&self) -> Option<&Actor> {
        self.assigned_to.as_ref().or(self.acknowledged_by.as_ref())
    }

    /// The run of a runbook that was started by the event with this stamp.
    pub(super) fn wanted(&self, runbook: &str, stamp: &Stamp<'_>) -> Wanted {
        let (of, by, procedure) = (Stream::Incident(self.id), stamp.by.clone(), runbook.to_owned());
        let Stamp { version: since, at, .. } = *stamp;
        Wanted { of, since, at, by, rule: "runbook", procedure, handler: Handler::Procedure, inputs: self.inputs() }
    }

    /// What a runbook is told: the labels that all alerts share and those of the first that is told. Programs get them as
    /// variables of their environment, never as a part of a command.
    fn inputs(&self) -> BTreeMap<String, Untrusted> {
        let first = self.by_urgency().into_iter().next();
        let labels = first.into_iter().flat_map(|alert| alert.alert.labels.iter());
        let all = labels.chain(self.labels.iter());
        let mut inputs: BTreeMap<_, _> = all
            .filter(|(name, value)| is_name(name.raw()) && !value.raw().contains('\0'))
            .map(|(name, value)| (format!("LABEL_{}", name.raw()), value.clone()))
            .collect();
        inputs.insert("INCIDENT".to_owned(), self.id.to_string().into());
        inputs.extend(first.map(|first| ("ALERT_SOURCE".to_owned(), first.alert.source.clone())));
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
