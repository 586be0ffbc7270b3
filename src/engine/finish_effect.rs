//! Recording the outcome of an effect.

use super::Decided;
use super::call::settled;
use super::record::stale;
use crate::domain::{CallNo, Rejection, RunId, ToolResult};
use crate::fold::Snapshot;
use crate::kinds::{CallStage, find_live_run};

/// An outcome counts only for the attempt that is under way.
pub(super) fn finish_effect(
    snapshot: &Snapshot,
    id: RunId,
    call: CallNo,
    attempt: u32,
    result: ToolResult,
) -> Result<Vec<Decided>, Rejection> {
    let run = find_live_run(snapshot, id)?;
    match run.open_call(call).map(|open| &open.stage) {
        Some(CallStage::Started { attempt: current, .. }) if *current == attempt => {
            Ok(settled(snapshot, run, call, attempt, result))
        }
        _ => Err(stale(id, "the attempt")),
    }
}
