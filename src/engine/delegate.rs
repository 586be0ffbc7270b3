//! The end of a step that an agent carried out, in a run of its own: the step has the outcome of that run.

use super::Decided;
use super::call::settled;
use crate::domain::{FailureKind, Output, RunState, ToolResult};
use crate::fold::Snapshot;
use crate::kinds::{CallStage, OpenCall, Run};

/// What follows once the agent's run has ended.
pub(super) fn follow(snapshot: &Snapshot, run: &Run, open: &OpenCall) -> Vec<Decided> {
    let CallStage::Delegated { agent, ended: Some(end), .. } = &open.stage else { return Vec::new() };
    let first = end.summary.raw().lines().next().unwrap_or_default();
    let summary = format!("agent {agent}, run {}: {first}", end.run.short());
    let mut result = match end.state {
        RunState::Succeeded => ToolResult::success(summary, Output::default()),
        RunState::Cancelled => ToolResult::failure(FailureKind::Cancelled, summary),
        _ => ToolResult::failure(FailureKind::Failed, summary),
    };
    result.output = Output::text(end.summary.raw());
    settled(snapshot, run, open.call, 0, result)
}
