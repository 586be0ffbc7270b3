//! Cancelling a run: nothing new begins, what is under way comes to its end, then the run is over.

use super::{find_live_run, in_run, withdrawn};
use crate::domain::{Actor, Rejection, RejectionKind, RunId};
use crate::kinds::run::delegate::of_each;
use crate::kinds::{CallStage, Decided, Run, RunEvent, World};

pub fn cancel(world: &dyn World, id: RunId, reason: String, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    let run = find_live_run(world, id)?;
    if run.cancelling.is_some() {
        return Err(Rejection::new(RejectionKind::AlreadySettled, format!("run {} is being cancelled", id.short())));
    }
    let mut events = vec![in_run(id, by, RunEvent::CancelRequested { reason: reason.clone() })];
    events.extend(of_each(world, run, |agent| cancel(world, agent, reason.clone(), by)));
    if can_end_now(run) {
        events.extend(end_cancelled(world, run, reason, by));
    }
    Ok(events)
}

/// An outcome that is still unknown keeps the run open: cancelling must not hide it.
fn can_end_now(run: &Run) -> bool {
    !run.is_busy() && !run.open_calls.iter().any(|open| matches!(open.stage, CallStage::InDoubt { .. }))
}

/// Takes back what it asked of people, and ends it.
pub fn end_cancelled(world: &dyn World, run: &Run, reason: String, by: &Actor) -> Vec<Decided> {
    let mut events = withdrawn(world, run.awaited(), "the run was cancelled", by);
    events.push(in_run(run.id, by, RunEvent::Cancelled { reason }));
    events
}
