//! Pausing a run, and letting it go on. What is under way comes to its end; nothing new begins while paused.
//! A model that says nothing is not waited for, which the runtime sees to.

use super::Decided;
use super::find_live_run;
use super::in_run;
use crate::domain::Actor;
use crate::domain::Rejection;
use crate::domain::RejectionKind;
use crate::domain::RunEvent;
use crate::domain::RunId;
use crate::domain::RunState;
use crate::fold::Snapshot;

pub(super) fn pause(snapshot: &Snapshot, id: RunId, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    if find_live_run(snapshot, id)?.state == RunState::Paused {
        return Err(Rejection::new(RejectionKind::AlreadySettled, format!("run {} is already paused", id.short())));
    }
    Ok(vec![in_run(id, by, RunEvent::Paused { reason: format!("paused by {}", by.name()) })])
}

pub(super) fn resume(snapshot: &Snapshot, id: RunId, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    if find_live_run(snapshot, id)?.state != RunState::Paused {
        return Err(Rejection::new(RejectionKind::Invalid, format!("run {} is not paused", id.short())));
    }
    Ok(vec![in_run(id, by, RunEvent::Resumed {})])
}
