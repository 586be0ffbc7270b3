//! The runs that an incident wants: its runbooks or the agent that handles it, a silence of its alerts, and the end of that
//! silence.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::row::{AlertState, Incident};
use super::silence::Step;
use crate::domain::{Actor, Timestamp, Untrusted};
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
            Some(Wanted { handler: Handler::Either(self.brief()), ..wanted })
        });
        let silence = self.silence.as_ref().and_then(|silence| {
            Some(match silence.wants()? {
                Step::Make(stamp) => self.silencing(&silence.length, &stamp),
                Step::Lift(stamp) => self.lifting(stamp.version, stamp.at),
            })
        });
        runbooks.chain(silence).collect()
    }

    /// What an agent is asked for, and told of the incident.
    fn brief(&self) -> Brief {
        let goal = format!(
            "Handle incident {}: find out why its alerts fire, propose the smallest change that stops the harm, and check by \
             the alerts themselves that it worked",
            self.id.short()
        );
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
