//! What the runtime asks of a tool: a dry run, the effect itself, and whether it happened.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::domain::{
    CallNo, EffectCard, FinishOutcome, RunId, StepNo, StepState, ToolResult, ToolSpec, Untrusted, Workspace,
};

/// A typed action. Arguments are an outsider's text: nothing is assumed of them.
#[async_trait]
pub trait Tool: Send + Sync {
    fn spec(&self) -> &ToolSpec;

    /// Dry run: resolves the call to exactly what would happen, changing nothing. An error settles the call.
    async fn prepare(&self, context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult>;

    /// Does what `card` says. The runtime has just prepared it again and found the same digest.
    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult;

    /// For `Checkable` tools: looks whether the effect of `card` happened.
    async fn check(&self, _context: &ToolContext, _card: &EffectCard) -> Checked {
        Checked::Unknown
    }

    /// Sets aside what programs, whoever's, have left in the run's workspace for others to obey, and tells of it. Asked
    /// where a program may have ended with the process that watched it, and when the run has ended.
    async fn clear_up(&self, _context: &ToolContext) -> Option<Untrusted> {
        None
    }
}

/// Where a call happens.
#[derive(Clone, Debug)]
pub struct ToolContext {
    pub run: RunId,
    pub agent: String,
    pub caller: Caller,
    pub workspace: Option<Workspace>,
    /// Variables of the environment of programs, by name.
    pub inputs: BTreeMap<String, Untrusted>,
}

/// Who wrote a call down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Caller {
    /// A model, which may do as the text of an alert tells it.
    #[default]
    Agent,
    /// A procedure, which somebody wrote before the run began.
    Procedure,
}

/// What a dry run found.
#[derive(Clone, Debug, PartialEq)]
pub enum Prepared {
    /// An action to judge and perform.
    Effect(Box<EffectCard>),
    /// A question to the person.
    Question { text: Untrusted, choices: Vec<Untrusted> },
    /// Work for an agent, in a run of its own.
    Delegate { agent: String, goal: Untrusted },
    /// The end of the run, as the agent sees it.
    Finish { summary: Untrusted, outcome: FinishOutcome },
    /// Progress on the plan.
    Mark { step: StepNo, state: StepState },
}

/// An effect about to be performed.
pub struct Invocation<'a> {
    pub context: &'a ToolContext,
    pub call: CallNo,
    pub args: &'a Value,
    pub card: &'a EffectCard,
    /// Where output goes while it is produced; the result carries what it adds up to.
    pub output: &'a dyn OutputSink,
    /// Ends the effect early: kill what runs, report `Cancelled`.
    pub cancel: CancellationToken,
}

/// Live output of a running tool, and the place for what is too long to keep in an event.
#[async_trait]
pub trait OutputSink: Send + Sync {
    /// A piece for those who watch; may be dropped.
    fn chunk(&self, bytes: &[u8]);
    /// Stores all of a long output; `None` when the store did not take it.
    async fn store(&self, content: &[u8]) -> Option<crate::domain::BlobId>;
}

/// Whether an effect happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Checked {
    Happened(Box<ToolResult>),
    DidNotHappen,
    Unknown,
}
