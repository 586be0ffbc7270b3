//! Tools as data: what a tool is, a call of it, and what came back.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ids::{BlobId, CallNo, StepNo};
use super::step_part::StepPart;
use super::text::Untrusted;

/// Name of a tool, as the model calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ToolName(pub String);

impl fmt::Display for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Untrusted::from(self.0.as_str()).visible().fmt(f)
    }
}

/// What a tool may touch, from harmless to outside; the policy's first question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EffectClass {
    /// Reads only.
    Observe,
    /// Changes files of the run's own workspace.
    Workspace,
    /// Runs a program or changes something on this host outside the workspace.
    Host,
    /// Leaves this machine.
    External,
    /// Talks to a person or ends the run; changes nothing.
    Converse,
}

impl EffectClass {
    pub fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Workspace => "workspace",
            Self::Host => "host",
            Self::External => "external",
            Self::Converse => "converse",
        }
    }
}

/// What may be done with an effect that was started and whose outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// Safe to run again.
    Repeatable,
    /// The tool can look whether it happened.
    Checkable,
    /// Neither: a person settles it.
    Once,
}

/// What the model and the policy know of a tool before it is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    pub name: ToolName,
    /// One or two sentences for the model.
    pub description: String,
    /// JSON Schema of the arguments; always of type object.
    pub parameters: Value,
    pub class: EffectClass,
    pub repeat: Repeat,
}

/// A call of a tool, as requested by a model or a procedure. Its arguments are an outsider's text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    pub call: CallNo,
    /// The id the model gave it, to be quoted in the reply; empty for procedures.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    pub tool: ToolName,
    pub args: Value,
    /// The plan step it belongs to, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepNo>,
    /// Which of the step's calls it is, in a procedure.
    #[serde(default, skip_serializing_if = "StepPart::is_act")]
    pub part: StepPart,
}

/// Why a tool did not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// No such tool, or arguments that do not fit its schema.
    BadCall,
    /// The policy refused it.
    Refused,
    /// A person denied it.
    Denied,
    /// Nobody decided in time.
    Expired,
    /// The request was taken back, by a cancel or a newer request.
    Withdrawn,
    /// The tool ran and reported failure (a non-zero exit, a missing file, a failing test).
    Failed,
    /// What was approved is no longer what would run.
    Drift,
    /// A limit on time, output, memory or processes was reached.
    Limit,
    /// The sandbox could not confine it, so it did not run.
    Unconfined,
    /// The host that it was for could not be reached: nothing was done there.
    Unreachable,
    /// Stopped because the run was cancelled or paused.
    Cancelled,
    /// A person settled an unknown outcome by giving up on it.
    GaveUp,
    /// It began, and how it ended is not known. It is never the end of a call: a person is asked.
    InDoubt,
}

/// Output of a tool: all of it when short; else its head and tail, with the whole in a blob.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    pub head: Untrusted,
    /// The end of a long output; empty when `head` is all there is.
    #[serde(default, skip_serializing_if = "Untrusted::is_empty")]
    pub tail: Untrusted,
    /// Bytes the tool wrote in all.
    pub bytes: u64,
    /// The whole output, up to the tool's storage limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobId>,
}

impl Output {
    /// Longest output kept whole in an event, in bytes.
    pub const INLINE_BYTES: usize = 8 * 1024;

    /// All of a short text.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { bytes: text.len() as u64, head: text.into(), ..Self::default() }
    }

    /// How many bytes stand between head and tail.
    pub fn elided(&self) -> u64 {
        self.bytes.saturating_sub((self.head.raw().len() + self.tail.raw().len()) as u64)
    }
}

/// What a tool call came to, as the model and the person are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolResult {
    /// `None` when it did what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureKind>,
    /// One line for people: `14 passed, 1 failed`, `3 lines changed`.
    pub summary: Untrusted,
    #[serde(default)]
    pub output: Output,
    /// A unified diff of what changed, where files changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Untrusted>,
    /// Structured findings: test counts, a commit id, a receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl ToolResult {
    pub fn success(summary: impl Into<String>, output: Output) -> Self {
        Self { failure: None, summary: Untrusted::new(summary), output, diff: None, data: None }
    }

    pub fn failure(kind: FailureKind, summary: impl Into<String>) -> Self {
        Self { failure: Some(kind), ..Self::success(summary, Output::default()) }
    }

    pub fn succeeded(&self) -> bool {
        self.failure.is_none()
    }
}
