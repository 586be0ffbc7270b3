//! The runs that an incident wants: its runbooks or the agent that handles it, a silence of its alerts, and the end of that
//! silence. Asking how bad it is, in `judging`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::row::{AlertState, Incident};
use super::silence::Step;
use crate::domain::{Actor, Timestamp, Untrusted};
use crate::kinds::{Brief, Handler, Stamp, Wanted};

/// Alerts that an agent is told of one by one, and bytes of what it is told of one.
const MOST_TOLD: usize = 10;
const LONGEST_TOLD: usize = 2048;

impl Incident {
    pub(super) fn wishes(&self) -> Vec<Wanted> {
        let runbooks = self.runs.iter().filter(|linked| linked.ended.is_none()).filter_map(|linked| {
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
        runbooks.chain(silence).chain(self.judging()).collect()
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
        let mut firing: Vec<_> = self.firing().collect();
        firing.sort_by_key(|state| (std::cmp::Reverse(state.alert.severity()), state.alert.starts_at));
        let more = firing.len().saturating_sub(MOST_TOLD) as u64 + u64::from(self.left_out);
        let alerts = firing.into_iter().take(MOST_TOLD).enumerate();
        told.extend(alerts.map(|(index, state)| (format!("ALERT_{}", index + 1), in_words(state))));
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

/// An alert as an agent is told of it: since when it fires, its labels, and what its rule says.
fn in_words(state: &AlertState) -> Untrusted {
    let alert = &state.alert;
    let said = alert.summary().map(|summary| format!("; {summary}")).unwrap_or_default();
    let words = format!("fires since {}: {}{said}", alert.starts_at.to_rfc3339(), alert.labels.line().raw());
    Untrusted::from(words).cut(LONGEST_TOLD)
}
