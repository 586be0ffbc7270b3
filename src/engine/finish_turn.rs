//! Recording what a model answered, or why it did not.

use super::Decided;
use super::next::calls_of;
use super::record::{in_run, stale};
use crate::domain::{Actor, ModelFailure, ModelFailureKind, ModelReply, PurposeOfTurn, Rejection, RunId};
use crate::fold::Snapshot;
use crate::kinds::{OpenTurn, Run, RunEvent, find_live_run};

/// Attempts at one turn, each after the adapter's own retries and fallbacks.
pub(super) const MOST_ATTEMPTS: u32 = 2;

pub(super) fn finish_turn(
    snapshot: &Snapshot,
    id: RunId,
    turn: u32,
    attempt: u32,
    outcome: Result<ModelReply, ModelFailure>,
) -> Result<Vec<Decided>, Rejection> {
    let run = find_live_run(snapshot, id)?;
    let open = run.open_turn.as_ref().filter(|open| open.turn == turn && open.attempt == attempt);
    let Some(open) = open else { return Err(stale(id, "the turn")) };
    match outcome {
        Ok(reply) => Ok(answered(snapshot, run, open, reply)),
        Err(failure) => Ok(failed(run, open, failure)),
    }
}

fn answered(snapshot: &Snapshot, run: &Run, open: &OpenTurn, reply: ModelReply) -> Vec<Decided> {
    let agent = Actor::Agent(run.agent.clone());
    let calls = match open.purpose {
        PurposeOfTurn::Act => calls_of(snapshot, run, &reply),
        PurposeOfTurn::Plan => Vec::new(),
    };
    let finished = RunEvent::TurnFinished { turn: open.turn, attempt: open.attempt, reply };
    let mut events = vec![in_run(run.id, &agent, finished)];
    if !calls.is_empty() {
        events.push(in_run(run.id, &agent, RunEvent::CallsRequested { calls }));
    }
    events
}

/// A failure that will not pass by itself pauses the run: nothing is lost, and a person can mend it and resume.
fn failed(run: &Run, open: &OpenTurn, failure: ModelFailure) -> Vec<Decided> {
    let pause =
        failure.kind != ModelFailureKind::Cancelled && (!failure.kind.is_transient() || open.attempt >= MOST_ATTEMPTS);
    let reason = match failure.hint.as_str() {
        "" => failure.message.raw().to_owned(),
        hint => format!("{}; {hint}", failure.message.raw()),
    };
    let event = RunEvent::TurnFailed { turn: open.turn, attempt: open.attempt, failure };
    let mut events = vec![in_run(run.id, &Actor::System, event)];
    if pause {
        events.push(in_run(run.id, &Actor::System, RunEvent::Paused { reason, over: None }));
    }
    events
}
