//! Taking up a run whose worker is gone, and leaving one for the next worker.
//!
//! What was under way each time a worker was lost may be what ended it. So it is not repeated for ever: after
//! `MOST_DEATHS` a model is not asked again until a person resumes the run, and of a call a person is asked.

use super::Decided;
use super::record::in_run;
use crate::domain::{Actor, ModelFailure, ModelFailureKind, Rejection, RunId, RunState, Untrusted};
use crate::fold::Snapshot;
use crate::kinds::{OpenTurn, Run, RunEvent, find_live_run};

/// Workers lost with the same thing under way, after which it is not repeated without asking.
pub const MOST_DEATHS: u32 = 3;

/// Marks the gap, so that time nobody worked is not counted; without a gap there is nothing to say.
pub(super) fn recover(snapshot: &Snapshot, id: RunId, left: Untrusted) -> Result<Vec<Decided>, Rejection> {
    let run = find_live_run(snapshot, id)?;
    if !run.is_busy() {
        return Ok(Vec::new());
    }
    let lost = !run.is_set_aside;
    let mut events = vec![in_run(id, &Actor::System, RunEvent::Recovered { lost, left })];
    if let Some(open) = run.open_turn.as_ref().filter(|open| lost && open.deaths + 1 >= MOST_DEATHS) {
        events.extend(ask_no_more(run, open));
    }
    Ok(events)
}

/// Says that nobody was lost, so that the next worker does not count a death.
pub(super) fn set_aside(snapshot: &Snapshot, id: RunId) -> Result<Vec<Decided>, Rejection> {
    let run = find_live_run(snapshot, id)?;
    let says_something = run.is_busy() && !run.is_set_aside;
    Ok(says_something.then(|| in_run(id, &Actor::System, RunEvent::SetAside {})).into_iter().collect())
}

/// The words that tell why a person is asked about what was under way so often.
pub(super) fn each_time(deaths: u32) -> String {
    format!(
        "It was under way each time morningai ended unexpectedly, {deaths} times, so it is not repeated without asking."
    )
}

fn ask_no_more(run: &Run, open: &OpenTurn) -> Vec<Decided> {
    let reason = format!(
        "morningai ended unexpectedly each time this answer of the model was under way, {MOST_DEATHS} times, so it is not \
         asked again by itself; look into the program's log for why"
    );
    let failure =
        ModelFailure { kind: ModelFailureKind::Cancelled, message: reason.as_str().into(), hint: String::new() };
    let failed = RunEvent::TurnFailed { turn: open.turn, attempt: open.attempt, failure };
    let pauses = run.cancelling.is_none() && run.state != RunState::Paused;
    let paused = pauses.then_some(RunEvent::Paused { reason, over: None });
    [Some(failed), paused].into_iter().flatten().map(|event| in_run(run.id, &Actor::System, event)).collect()
}
