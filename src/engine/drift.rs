//! What would run is no longer what was approved: nothing ran, and the question is put again. In a run that is being
//! cancelled nothing new begins, so there it ends.

use super::call::{act_on, settled};
use super::record::{in_approval, stale};
use super::{Decided, edit, procedure};
use crate::domain::{Actor, CallNo, FailureKind, Rejection, RunId, Timestamp, ToolResult, Verdict};
use crate::fold::Snapshot;
use crate::kinds::{ApprovalEvent, CallPreparation, CallStage, PreparedCall, find_live_run};

pub(super) fn drift(
    snapshot: &Snapshot,
    id: RunId,
    call: CallNo,
    attempt: u32,
    prepared: PreparedCall,
    now: Timestamp,
) -> Result<Vec<Decided>, Rejection> {
    let run = find_live_run(snapshot, id)?;
    let open = run.open_call(call).ok_or_else(|| stale(id, "the call"))?;
    if !matches!(open.stage, CallStage::Started { attempt: current, .. } if current == attempt) {
        return Err(stale(id, "the attempt"));
    }
    if run.cancelling.is_some() {
        let result = ToolResult::failure(FailureKind::Cancelled, "the run was cancelled; it was not run");
        return Ok(settled(snapshot, run, call, 0, result));
    }
    let edit = edit::of_call(snapshot, run, open);
    let preparation = edit::asks_again(edit.as_ref(), prepared.preparation);
    let thread = snapshot.threads.get(&id).filter(|_| run.is_procedure);
    let preparation = procedure::asks(run, thread, call, preparation);
    let prepared = PreparedCall { preparation, ..prepared };
    let asks_again = matches!(prepared.preparation, CallPreparation::Judged { verdict: Verdict::Ask { .. }, .. });
    let mut events = Vec::new();
    let approved = snapshot.threads.get(&id).and_then(|thread| thread.calls.get(&call)?.approval);
    if let Some(old) = approved.filter(|_| asks_again) {
        events.push(in_approval(old, &Actor::System, ApprovalEvent::Superseded { by: prepared.approval }));
    }
    events.extend(act_on(snapshot, run, open, prepared, now));
    Ok(events)
}
