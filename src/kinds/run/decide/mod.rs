//! What people ask of runs, one file a verb. How a run goes on is the engine's.

mod cancel;
mod pause;
mod start;

use super::event::RunEvent;
use super::row::Run;
use crate::domain::{Actor, Rejection, RejectionKind, RunId};
use crate::kinds::{Decided, World};

pub(in crate::kinds::run) use cancel::cancel;
pub use cancel::end_cancelled;
pub(in crate::kinds::run) use pause::{pause, resume};
pub(in crate::kinds::run) use start::{start, start_wanted};

fn in_run(id: RunId, by: &Actor, event: RunEvent) -> Decided {
    Decided::of::<Run>(id, by, event)
}

pub fn find_run(world: &dyn World, run: RunId) -> Result<&Run, Rejection> {
    world.runs().get(&run).ok_or_else(|| {
        Rejection::new(RejectionKind::NotFound, format!("no run has the id {run}")).hint("`morningai runs` lists them")
    })
}

/// A run that has not ended.
pub fn find_live_run(world: &dyn World, run: RunId) -> Result<&Run, Rejection> {
    let found = find_run(world, run)?;
    if found.state.is_final() {
        let message = format!("run {} has already {}", run.short(), found.state.name().replace('_', " "));
        return Err(Rejection::new(RejectionKind::AlreadySettled, message));
    }
    Ok(found)
}
