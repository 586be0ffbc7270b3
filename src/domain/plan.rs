//! A plan: steps with dependencies, a success criterion and a fallback each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::StepNo;
use super::text::Untrusted;

/// What a run intends to do. Written by the planner model or taken from a procedure's headings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub steps: Vec<PlanStep>,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanStep {
    pub step: StepNo,
    /// What to do, in a few words.
    pub action: Untrusted,
    /// The tool it will mostly use, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// How to tell that it worked.
    #[serde(default)]
    pub success: Untrusted,
    /// What to do if it does not.
    #[serde(default, skip_serializing_if = "Untrusted::is_empty")]
    pub fallback: Untrusted,
    /// Steps that must be done before; each smaller than `step`, so a plan has no cycles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<StepNo>,
}

/// How far a step has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    #[default]
    Pending,
    Running,
    Done,
    Failed,
    Skipped,
}

impl Plan {
    /// Most steps a plan may have.
    pub const MOST_STEPS: usize = 1024;

    /// Says what is wrong with a plan, or nothing.
    pub fn problem(&self) -> Option<String> {
        if self.steps.is_empty() {
            return Some("a plan needs at least one step".to_owned());
        }
        if self.steps.len() > Self::MOST_STEPS {
            return Some(format!("a plan has at most {} steps, this one {}", Self::MOST_STEPS, self.steps.len()));
        }
        for (index, step) in self.steps.iter().enumerate() {
            if step.step.0 as usize != index + 1 {
                return Some(format!("step {} stands at place {}", step.step, index + 1));
            }
            if let Some(late) = step.after.iter().find(|after| **after >= step.step || after.0 == 0) {
                return Some(format!("step {} waits for step {late}, which is not before it", step.step));
            }
        }
        None
    }
}
