//! A procedure as a run carries it: steps, each with what it does, when, how to tell that it worked, and the way back.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::step_part::StepPart;
use super::tool::ToolName;

/// One step of a procedure: a heading with the calls that belong to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcedureStep {
    pub title: String,
    /// What it does.
    #[serde(flatten)]
    pub act: StepCall,
    /// What to do when it fails.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// Without one, it is always done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// How to tell that it worked; without one, that it did not fail is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verify>,
    /// What undoes it when it, or a later step, fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<StepCall>,
}

/// A tool call as a procedure writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepCall {
    pub tool: ToolName,
    pub args: Value,
    /// A person approves it even where the policy would let it run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_approval: bool,
}

/// When a step is done; else it is skipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The last answer that a person gave is one of these.
    Answer(Vec<String>),
    /// This call succeeds.
    Call(StepCall),
    /// This call fails.
    Unless(StepCall),
}

/// A check that a step worked, tried again until it succeeds or its time is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verify {
    #[serde(flatten)]
    pub call: StepCall,
    /// Without it, one try decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<Patience>,
}

/// How often a check is tried again, and for how long, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patience {
    pub every: u64,
    pub within: u64,
}

/// What a procedure does when one of its steps fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// What was done is rolled back, the run fails, and later steps are skipped.
    #[default]
    Stop,
    /// The failure is noted and the next step runs.
    Continue,
}

impl ProcedureStep {
    /// A step that is always done, and worked unless it failed.
    pub fn new(title: impl Into<String>, act: StepCall) -> Self {
        let on_failure = OnFailure::Stop;
        Self { title: title.into(), act, on_failure, when: None, verify: None, rollback: None }
    }

    /// The call of one of its parts, where it has that part.
    pub fn call(&self, part: StepPart) -> Option<&StepCall> {
        match part {
            StepPart::Act => Some(&self.act),
            StepPart::When => match &self.when {
                Some(Condition::Call(call) | Condition::Unless(call)) => Some(call),
                Some(Condition::Answer(_)) | None => None,
            },
            StepPart::Verify => self.verify.as_ref().map(|verify| &verify.call),
            StepPart::Rollback => self.rollback.as_ref(),
        }
    }

    /// All of its calls, in the order in which they are made.
    pub fn calls(&self) -> impl Iterator<Item = (StepPart, &StepCall)> {
        StepPart::ALL.into_iter().filter_map(|part| Some((part, self.call(part)?)))
    }
}

impl StepCall {
    pub fn new(tool: impl Into<String>, args: Value) -> Self {
        Self { tool: ToolName(tool.into()), args, needs_approval: false }
    }
}
