//! Taking up a run whose worker was lost.

use super::Decided;
use super::find_live_run;
use super::in_run;
use crate::domain::Actor;
use crate::domain::Rejection;
use crate::domain::RunEvent;
use crate::domain::RunId;
use crate::fold::Snapshot;

/// Marks the gap, so that time nobody worked is not counted; without a gap there is nothing to say.
pub(super) fn recover(snapshot: &Snapshot, id: RunId) -> Result<Vec<Decided>, Rejection> {
    let run = find_live_run(snapshot, id)?;
    if !run.is_busy() {
        return Ok(Vec::new());
    }
    Ok(vec![in_run(id, &Actor::System, RunEvent::Recovered {})])
}
