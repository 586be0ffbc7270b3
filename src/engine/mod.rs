//! What follows from a command: events, and from committed events the effects. Pure.
//!
//! One file a command. Nothing here performs I/O, reads the clock or draws a random number: time and ids are
//! arguments, so the same commands give the same log.

mod alias;
mod call;
mod conversation;
mod delegate;
mod doubt;
mod drift;
mod edit;
mod effects;
mod finish_effect;
mod finish_turn;
mod mentions;
mod next;
mod procedure;
mod proceed;
mod react;
mod record;
mod recover;
#[cfg(test)]
mod tests;

use crate::domain::{Actor, Rejection, Timestamp};
use crate::fold::Snapshot;
use crate::kinds::{Command, Decided, Report, decide_verb};

pub use call::calls_to_prepare;
pub use conversation::{conversation, plan_schema};
pub use effects::{Effect, Freshness, TakeUp, effects_for, effects_left};
pub use next::calls_of;
pub use procedure::{last_answer, patience, upcoming_call};
pub use react::{left_to_start, react};
pub use recover::MOST_DEATHS;

/// What `command` leads to in `snapshot`, asked for by `by` at `now`; an empty list changes nothing.
///
/// `Proceed`, `TurnFinished`, `EffectFinished` and `Drifted` need the run's thread to be open in the snapshot.
pub fn decide(snapshot: &Snapshot, command: Command, by: &Actor, now: Timestamp) -> Result<Vec<Decided>, Rejection> {
    let mut decided = match decide_verb(snapshot, command, by, now)? {
        Ok(events) => events,
        Err(report) => take_in(snapshot, report, now)?,
    };
    let ends = decided.iter().filter(|decided| decided.event.ends());
    let told: Vec<_> = ends.flat_map(|decided| snapshot.told(decided.stream, &decided.event)).collect();
    decided.extend(told);
    Ok(decided)
}

fn take_in(snapshot: &Snapshot, report: Report, now: Timestamp) -> Result<Vec<Decided>, Rejection> {
    match report {
        Report::Proceed { run, prepared } => proceed::proceed(snapshot, run, prepared, now),
        Report::TurnFinished { run, turn, attempt, outcome } => {
            finish_turn::finish_turn(snapshot, run, turn, attempt, *outcome)
        }
        Report::EffectFinished { run, call, attempt, result } => {
            finish_effect::finish_effect(snapshot, run, call, attempt, result)
        }
        Report::Drifted { run, call, attempt, prepared } => drift::drift(snapshot, run, call, attempt, *prepared, now),
        Report::Doubt { run, call, attempt, approval, why } => {
            doubt::doubt(snapshot, run, call, attempt, approval, &why)
        }
        Report::SetAside { run } => recover::set_aside(snapshot, run),
        Report::Recover { run, left } => recover::recover(snapshot, run, left),
    }
}
