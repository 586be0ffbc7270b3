//! What people ask of runs, one file a verb. How a run goes on is the engine's.

mod cancel;
mod pause;
mod start;

use super::event::RunEvent;
use super::row::Run;
use crate::domain::{Actor, ApprovalId, Rejection, RejectionKind, RunId};
use crate::kinds::{Approval, ApprovalEvent, Decided, World};

pub use cancel::{cancel, end_cancelled};
pub(in crate::kinds::run) use pause::pause;
pub use pause::resume;
pub(in crate::kinds::run) use start::{start, start_wanted};

fn in_run(id: RunId, by: &Actor, event: RunEvent) -> Decided {
    Decided::of::<Run>(id, by, event)
}

/// What was asked of people and is of no use any more.
fn withdrawn(world: &dyn World, asked: impl IntoIterator<Item = ApprovalId>, reason: &str, by: &Actor) -> Vec<Decided> {
    let is_open = |id: &ApprovalId| world.approvals().get(id).is_some_and(|approval| approval.state.is_open());
    let withdrawn = |id| Decided::of::<Approval>(id, by, ApprovalEvent::Withdrawn { reason: reason.to_owned() });
    asked.into_iter().filter(is_open).map(withdrawn).collect()
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
