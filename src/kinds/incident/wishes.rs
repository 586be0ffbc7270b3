//! The runs that an incident wants: its runbooks, a silence of its alerts, and the end of that silence.

use serde_json::Value;

use super::row::Incident;
use super::silence::Step;
use crate::domain::{Actor, Timestamp};
use crate::kinds::{Stamp, Wanted};

impl Incident {
    pub(super) fn wishes(&self) -> Vec<Wanted> {
        let runbooks = self.runs.iter().filter(|linked| linked.ended.is_none()).filter_map(|linked| {
            let stamp = Stamp { version: linked.since, at: linked.at, by: &linked.done_by };
            Some(self.wanted(linked.runbook.as_ref()?, &stamp))
        });
        let silence = self.silence.as_ref().and_then(|silence| {
            Some(match silence.wants()? {
                Step::Make(stamp) => self.silencing(&silence.length, &stamp),
                Step::Lift(stamp) => self.lifting(stamp.version, stamp.at),
            })
        });
        runbooks.chain(silence).collect()
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
