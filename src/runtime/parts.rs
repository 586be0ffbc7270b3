//! What a runtime is made of, and what it does in this process.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::redact::Redactor;
use crate::domain::{RunId, ToolName};
use crate::fold::Snapshot;
use crate::kinds::Stream;
use crate::ports::{Clock, Judge, Log, Model, Starter, Tool};

/// Whether this process performs effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Works on every run it can claim.
    Worker,
    /// Works on this run and on what it hands to agents: for a command that follows one run and then ends.
    Carrier(RunId),
    /// Decides and looks; effects are left to workers.
    Clerk,
}

impl Role {
    /// Whether effects of `run` are performed in this process.
    pub(super) fn works_on(self, snapshot: &Snapshot, run: RunId) -> bool {
        match self {
            Self::Worker => true,
            Self::Carrier(carried) => carried == run || snapshot.with_agents(carried).contains(&run),
            Self::Clerk => false,
        }
    }

    /// Whether the runs that `of` wants are started in this process.
    pub(super) fn starts_for(self, snapshot: &Snapshot, of: Stream) -> bool {
        match self {
            Self::Worker => true,
            Self::Carrier(_) => of.run().is_some_and(|run| self.works_on(snapshot, run)),
            Self::Clerk => false,
        }
    }
}

/// The tools by name.
pub type Tools = BTreeMap<ToolName, Arc<dyn Tool>>;

/// What the runtime works with.
pub struct Parts {
    pub log: Arc<dyn Log>,
    pub model: Arc<dyn Model>,
    pub tools: Tools,
    pub judge: Arc<dyn Judge>,
    pub clock: Arc<dyn Clock>,
    pub role: Role,
    /// Prepares the runs that things want; without one they wait for a process that has one.
    pub starter: Option<Arc<dyn Starter>>,
    /// What must never reach the log.
    pub redactor: Redactor,
}
