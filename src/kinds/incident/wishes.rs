//! The runs that an incident wants: its runbooks or the agent that handles it, a silence of its alerts, and the end of that
//! silence. Asking how bad it is, in `judging`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::labels::Labels;
use super::proposal::RunbookChange;
use super::row::{AlertState, Incident, LinkedRun};
use super::silence::Step;
use crate::domain::{Actor, RunId, RunState, Timestamp, Untrusted};
use crate::kinds::{Brief, Handler, Stamp, Wanted};

/// Alerts that an agent is told of one by one, and bytes of the labels that it is told of one.
const MOST_TOLD: usize = 10;
const LONGEST_TOLD: usize = 2048;

impl Incident {
    pub(super) fn wishes(&self) -> Vec<Wanted> {
        // One that is resolved may still want its silence lifted, and nothing else.
        let left = self.runs.iter().filter(|linked| linked.ended.is_none() && self.is_open());
        let runbooks = left.filter_map(|linked| {
            let stamp = Stamp { version: linked.since, at: linked.at, by: &linked.done_by };
            let wanted = self.wanted(linked.runbook.as_ref()?, &stamp);
            Some(Wanted { handler: Handler::Either(self.brief(self.goal())), ..wanted })
        });
        let silence = self.silence.as_ref().and_then(|silence| {
            Some(match silence.wants()? {
                Step::Make(stamp) => self.silencing(&silence.length, &stamp),
                Step::Lift(stamp) => self.lifting(stamp.version, stamp.at),
            })
        });
        let change = self.change.as_ref().filter(|change| !change.has_ended);
        let change = change.map(|change| self.changing(&change.runbook, change.since, change.at));
        runbooks.chain(silence).chain(self.judging()).chain(change).collect()
    }

    /// What the agent that handles it is asked for.
    fn goal(&self) -> String {
        format!(
            "Handle incident {}: find out why its alerts fire, propose the smallest change that stops the harm, and check by \
             the alerts themselves that it worked",
            self.id.short()
        )
    }

    /// What an agent is asked for, and told of the incident.
    pub(super) fn brief(&self, goal: String) -> Brief {
        let mut told = BTreeMap::from([
            ("INCIDENT_TITLE".to_owned(), self.title.clone()),
            ("INCIDENT_SEVERITY".to_owned(), self.severity.name().into()),
            ("INCIDENT_OPENED_AT".to_owned(), self.opened_at.to_rfc3339().into()),
        ]);
        told.extend(self.metric().map(|query| ("METRIC_QUERY".to_owned(), query)));
        let firing = self.by_urgency();
        let more = firing.len().saturating_sub(MOST_TOLD) as u64 + u64::from(self.left_out);
        let alerts = firing.into_iter().take(MOST_TOLD).enumerate();
        told.extend(alerts.map(|(index, state)| (format!("ALERT_{}", index + 1), told_of(state))));
        if more > 0 {
            told.insert("MORE_ALERTS".to_owned(), more.to_string().into());
        }
        Brief { goal, told, most_cost: None }
    }

    /// The runbook that helped although it matched none of its alerts, where its run had ended before they cleared.
    pub(super) fn helped(&self) -> Option<String> {
        let last = self.last_tried().filter(|last| last.ended == Some(RunState::Succeeded))?;
        last.runbook.clone()
    }

    /// The same, where its run ends after they cleared, in this way.
    pub(super) fn helps(&self, run: RunId, state: RunState) -> bool {
        let is_this = self.last_tried().is_some_and(|last| last.run == run);
        is_this && state == RunState::Succeeded && !self.is_open()
    }

    /// The last runbook that was started, where that was done by its name and it matched none of its alerts.
    fn last_tried(&self) -> Option<&LinkedRun> {
        let last = self.runs.iter().rfind(|linked| linked.runbook.is_some())?;
        let is_agent = self.agent == last.runbook;
        let has_name = self.shared_labels_of_all().get("alertname").is_some();
        let is_new = self.runbook.is_none() && self.change.is_none() && self.part.is_empty() && self.also.is_empty();
        (is_new && has_name && !is_agent).then_some(last)
    }

    fn shared_labels_of_all(&self) -> Labels {
        Labels::shared(self.alerts.values().map(|state| &state.alert.labels))
    }

    /// The change that a runbook needs to match its alerts.
    pub(super) fn change_to(&self, runbook: &str, stamp: &Stamp<'_>) -> RunbookChange {
        let (since, at) = (stamp.version, stamp.at);
        let run = self.changing(runbook, since, at).run();
        RunbookChange { runbook: runbook.to_owned(), run, since, at, has_ended: false }
    }

    /// The run that proposes it. Nobody asked for it, so anybody may approve what it asks for.
    fn changing(&self, runbook: &str, since: u64, at: Timestamp) -> Wanted {
        let stamp = Stamp { version: since, at, by: &Actor::System };
        let mut wanted = Wanted { rule: "change", ..self.wanted("propose-match", &stamp) };
        let labels = self.shared_labels_of_all();
        let labels = labels.iter().map(|(name, value)| (name.raw().to_owned(), Value::from(value.raw())));
        wanted.inputs.insert("ALERT_LABELS".to_owned(), Value::Object(labels.collect()).to_string().into());
        wanted.inputs.insert("RUNBOOK".to_owned(), runbook.into());
        wanted
    }

    /// The run that silences what all of its alerts share.
    pub(super) fn silencing(&self, length: &str, stamp: &Stamp<'_>) -> Wanted {
        let mut wanted = Wanted { rule: "silence", ..self.wanted("silence-alerts", stamp) };
        let shared = self.shared_labels();
        let shared = shared.iter().map(|(name, value)| (name.raw().to_owned(), Value::from(value.raw())));
        wanted.inputs.insert("SHARED_LABELS".to_owned(), Value::Object(shared.collect()).to_string().into());
        wanted.inputs.insert("SILENCE_LENGTH".to_owned(), length.into());
        wanted
    }

    /// The run that lifts its silence. Nobody need ask for it: it only ends what was made for the incident.
    pub(super) fn lifting(&self, since: u64, at: Timestamp) -> Wanted {
        let stamp = Stamp { version: since, at, by: &Actor::System };
        Wanted { rule: "lift", ..self.wanted("lift-silences", &stamp) }
    }
}

/// An alert as an agent is told of it: since when it fires, its labels, and what its rule says. In JSON, for
/// `check_alert` reads it too.
fn told_of(state: &AlertState) -> Untrusted {
    let alert = &state.alert;
    let mut room = LONGEST_TOLD;
    // Its name first: without it nothing can be asked about it.
    let (name, others): (Vec<_>, Vec<_>) = alert.labels.iter().partition(|(name, _)| name.raw() == "alertname");
    let fit = name.into_iter().chain(others).filter(|(name, value)| {
        let left = room.checked_sub(name.raw().len() + value.raw().len());
        room = left.unwrap_or(room);
        left.is_some()
    });
    let labels: Map<_, _> = fit.map(|(name, value)| (name.raw().to_owned(), value.raw().into())).collect();
    let told = json!({
        "fires_since": alert.starts_at.to_rfc3339(),
        "labels": labels,
        "source": alert.source.raw(),
        "summary": alert.summary().unwrap_or_default(),
    });
    told.to_string().into()
}
