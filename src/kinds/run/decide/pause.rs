//! Pausing a run, and letting it go on. What is under way comes to its end; nothing new begins while paused.
//! A model that says nothing is not waited for, which the runtime sees to.

use super::{find_live_run, in_run, withdrawn};
use crate::domain::{Actor, Rejection, RejectionKind, RunId, RunState};
use crate::kinds::run::delegate::of_each;
use crate::kinds::{Decided, RunEvent, World};

pub(in crate::kinds::run) fn pause(world: &dyn World, id: RunId, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    let run = find_live_run(world, id)?;
    if run.state == RunState::Paused {
        return Err(Rejection::new(RejectionKind::AlreadySettled, format!("run {} is already paused", id.short())));
    }
    let mut events = vec![in_run(id, by, RunEvent::Paused { reason: format!("paused by {}", by.name()), over: None })];
    events.extend(of_each(world, run, |agent| pause(world, agent, by)));
    Ok(events)
}

pub fn resume(world: &dyn World, id: RunId, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    let run = find_live_run(world, id)?;
    if run.state != RunState::Paused {
        return Err(Rejection::new(RejectionKind::Invalid, format!("run {} is not paused", id.short())));
    }
    let mut events = withdrawn(world, run.budget_raises.asked(), "the run was resumed", by);
    events.push(in_run(id, by, RunEvent::Resumed {}));
    events.extend(of_each(world, run, |agent| resume(world, agent, by)));
    Ok(events)
}
