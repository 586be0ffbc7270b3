//! What a procedure would do, as scripts get it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::Untrusted;

/// One call that a procedure may make, and what would happen to it now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DryRunCall {
    pub step: u32,
    pub title: String,
    /// `when`, `unless`, `act`, `verify` or `rollback`.
    pub part: &'static str,
    pub tool: String,
    pub outcome: DryRunOutcome,
    /// What it would do, and to what.
    pub what: Untrusted,
    /// The rule of the policy that decides, and its reason.
    pub rule: String,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DryRunOutcome {
    /// It would run.
    Runs,
    /// It would wait for a person.
    Asks,
    /// The policy refuses it.
    Refused,
    /// It cannot be said before the steps above have run.
    Unknown,
    /// The tool does not take these arguments.
    Wrong,
}
