//! Pausing a run, and letting it go on. What is under way comes to its end; nothing new begins while paused.
//! A model that says nothing is not waited for, which the runtime sees to.

use super::{find_live_run, in_run};
use crate::domain::{Actor, Rejection, RejectionKind, RunId, RunState};
use crate::kinds::{Decided, RunEvent, World};

pub(in crate::kinds::run) fn pause(world: &dyn World, id: RunId, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    if find_live_run(world, id)?.state == RunState::Paused {
        return Err(Rejection::new(RejectionKind::AlreadySettled, format!("run {} is already paused", id.short())));
    }
    Ok(vec![in_run(id, by, RunEvent::Paused { reason: format!("paused by {}", by.name()), over: None })])
}

pub(in crate::kinds::run) fn resume(world: &dyn World, id: RunId, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    if find_live_run(world, id)?.state != RunState::Paused {
        return Err(Rejection::new(RejectionKind::Invalid, format!("run {} is not paused", id.short())));
    }
    Ok(vec![in_run(id, by, RunEvent::Resumed {})])
}
