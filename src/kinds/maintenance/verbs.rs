//! What may be asked of a maintenance window.

use super::order::MaintenanceOrder;
use crate::domain::Untrusted;
use crate::kinds::{Verb, Words, verbs};

verbs! {
    /// What may be asked of a maintenance window.
    MaintenanceVerb of Maintenance {
        /// Hold back the alerts that have some labels: their incidents are listed and call nobody
        Start {
            /// Their labels, separated by spaces; `*` stands for any text: svc=api env=stag*.
            labels: String,
            /// How long: 30m, 2h, at most 7d.
            length: String,
            /// What it is for.
            #[serde(default)]
            name: Option<Untrusted>,
            /// When it begins, instead of now: 2026-12-01T22:00:00Z.
            #[serde(default)]
            from: Option<String>,
        } = "start", HandleIncidents, begins;
        /// End it: what still fires calls people now
        End = "end", HandleIncidents;
        /// Plan a window of the configuration, and begin it once its time has come
        Plan {
            #[schemars(with = "serde_json::Value")]
            order: Box<MaintenanceOrder>,
        } = "plan", Orchestrate;
        /// Note that its time has come, or is over
        Pass = "pass", Orchestrate;
    }
}

impl Verb for MaintenanceVerb {
    fn words(&mut self, each: &mut dyn FnMut(Words<'_>)) {
        match self {
            Self::Start { name, .. } => name.iter_mut().for_each(|name| each(Words::Text(name))),
            Self::Plan { order } => each(Words::Text(&mut order.name)),
            Self::End | Self::Pass => {}
        }
    }
}
