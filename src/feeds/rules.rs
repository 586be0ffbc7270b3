//! What the configuration and the runbooks say of alerts with certain labels.

use std::fmt;
use std::sync::Arc;

use crate::kinds::{Labels, Marks};

type Find = dyn Fn(&Labels) -> Option<String> + Send + Sync;

type Mark = dyn Fn(&Labels) -> Marks + Send + Sync;

/// Finds the runbook for some labels, and what the rules of inhibition make of them.
#[derive(Clone)]
pub struct Rules {
    runbook: Arc<Find>,
    marks: Arc<Mark>,
    /// The agent that handles what no runbook matches.
    pub(super) agent: Option<String>,
    /// The agent that says how bad an incident is whose alerts do not.
    pub(super) classifier: Option<String>,
}

impl Rules {
    pub fn new(
        runbook: impl Fn(&Labels) -> Option<String> + Send + Sync + 'static,
        marks: impl Fn(&Labels) -> Marks + Send + Sync + 'static,
    ) -> Self {
        Self { runbook: Arc::new(runbook), marks: Arc::new(marks), agent: None, classifier: None }
    }

    /// The same, with the agent that handles what no runbook matches.
    pub fn with_agent(self, agent: Option<String>) -> Self {
        Self { agent, ..self }
    }

    /// The same, with the agent that says how bad an incident is whose alerts do not.
    pub fn with_classifier(self, classifier: Option<String>) -> Self {
        Self { classifier, ..self }
    }

    /// The name of the runbook that matches best.
    pub(super) fn runbook(&self, labels: &Labels) -> Option<String> {
        (self.runbook)(labels)
    }

    pub(super) fn marks(&self, labels: &Labels) -> Marks {
        (self.marks)(labels)
    }
}

impl Default for Rules {
    /// None matches anything.
    fn default() -> Self {
        Self::new(|_| None, |_| Marks::default())
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rules(…)")
    }
}
