//! Cancelling a run: nothing new begins, what is under way comes to its end, then the run is over.

use super::Decided;
use super::find_live_run;
use super::in_approval;
use super::in_run;
use crate::domain::Actor;
use crate::domain::ApprovalEvent;
use crate::domain::Rejection;
use crate::domain::RejectionKind;
use crate::domain::RunEvent;
use crate::domain::RunId;
use crate::fold::CallStage;
use crate::fold::Run;
use crate::fold::Snapshot;

pub(super) fn cancel(snapshot: &Snapshot, id: RunId, reason: String, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    let run = find_live_run(snapshot, id)?;
    if run.cancelling.is_some() {
        return Err(Rejection::new(RejectionKind::AlreadySettled, format!("run {} is being cancelled", id.short())));
    }
    let mut events = vec![in_run(id, by, RunEvent::CancelRequested { reason: reason.clone() })];
    if can_end_now(run) {
        events.extend(end(snapshot, run, reason, by));
    }
    Ok(events)
}

/// An outcome that is still unknown keeps the run open: cancelling must not hide it.
pub(super) fn can_end_now(run: &Run) -> bool {
    !run.is_busy() && !run.open_calls.iter().any(|open| matches!(open.stage, CallStage::InDoubt { .. }))
}

/// Takes back what it asked of people, and ends it.
pub(super) fn end(snapshot: &Snapshot, run: &Run, reason: String, by: &Actor) -> Vec<Decided> {
    let mut events: Vec<_> = run
        .awaited()
        .filter(|id| snapshot.approvals.get(id).is_some_and(|approval| approval.state.is_open()))
        .map(|id| in_approval(id, by, ApprovalEvent::Withdrawn { reason: "the run was cancelled".to_owned() }))
        .collect();
    events.push(in_run(run.id, by, RunEvent::Cancelled { reason }));
    events
}
