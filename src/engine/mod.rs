//! What follows from a command: events, and from committed events the effects. Pure.
//!
//! One file a command. Nothing here performs I/O, reads the clock or draws a random number: time and ids are
//! arguments, so the same commands give the same log.

mod alias;
mod answer;
mod approve;
mod call;
mod cancel;
mod conversation;
mod deny;
mod doubt;
mod drift;
mod edit;
mod effects;
mod expire;
mod finish_effect;
mod finish_turn;
mod next;
mod pause;
mod proceed;
mod recover;
mod settle;
mod start;
#[cfg(test)]
mod tests;

use crate::domain::Actor;
use crate::domain::ApprovalEvent;
use crate::domain::ApprovalId;
use crate::domain::Command;
use crate::domain::Event;
use crate::domain::Rejection;
use crate::domain::RejectionKind;
use crate::domain::RunEvent;
use crate::domain::RunId;
use crate::domain::Stream;
use crate::domain::Timestamp;
use crate::fold::Approval;
use crate::fold::Run;
use crate::fold::Snapshot;

pub use call::calls_to_prepare;
pub use conversation::conversation;
pub use conversation::plan_schema;
pub use effects::Effect;
pub use effects::Freshness;
pub use effects::TakeUp;
pub use effects::effects_for;
pub use effects::effects_left;
pub use next::calls_of;
pub use next::upcoming_call;
pub use recover::MOST_DEATHS;

/// An event that a command leads to, before it has a place in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    pub stream: Stream,
    pub by: Actor,
    pub event: Event,
}

/// What `command` leads to in `snapshot`, asked for by `by` at `now`; an empty list changes nothing.
///
/// `Proceed`, `TurnFinished`, `EffectFinished` and `Drifted` need the run's thread to be open in the snapshot.
pub fn decide(snapshot: &Snapshot, command: Command, by: &Actor, now: Timestamp) -> Result<Vec<Decided>, Rejection> {
    match command {
        Command::Start { run, spec } => start::start(snapshot, run, *spec, by),
        Command::Approve { approval, digest } => approve::approve(snapshot, approval, &digest, by, now),
        Command::Deny { approval, reason } => deny::deny(snapshot, approval, reason, by),
        Command::Edit { approval, digest, args } => edit::edit(snapshot, approval, &digest, args, by, now),
        Command::Answer { approval, text } => answer::answer(snapshot, approval, text, by),
        Command::Settle { approval, settlement, note } => settle::settle(snapshot, approval, settlement, note, by),
        Command::Expire { approval } => expire::expire(snapshot, approval, now),
        Command::Pause { run } => pause::pause(snapshot, run, by),
        Command::Resume { run } => pause::resume(snapshot, run, by),
        Command::Cancel { run, reason } => cancel::cancel(snapshot, run, reason, by),
        Command::Proceed { run, prepared } => proceed::proceed(snapshot, run, prepared, now),
        Command::TurnFinished { run, turn, attempt, outcome } => {
            finish_turn::finish_turn(snapshot, run, turn, attempt, *outcome)
        }
        Command::EffectFinished { run, call, attempt, result } => {
            finish_effect::finish_effect(snapshot, run, call, attempt, result)
        }
        Command::Drifted { run, call, attempt, prepared } => drift::drift(snapshot, run, call, attempt, *prepared, now),
        Command::Doubt { run, call, attempt, approval } => doubt::doubt(snapshot, run, call, attempt, approval),
        Command::SetAside { run } => recover::set_aside(snapshot, run),
        Command::Recover { run, left } => recover::recover(snapshot, run, left),
    }
}

fn in_run(run: RunId, by: &Actor, event: RunEvent) -> Decided {
    Decided { stream: Stream::Run(run), by: by.clone(), event: Event::Run(event) }
}

fn in_approval(approval: ApprovalId, by: &Actor, event: ApprovalEvent) -> Decided {
    Decided { stream: Stream::Approval(approval), by: by.clone(), event: Event::Approval(event) }
}

fn find_run(snapshot: &Snapshot, run: RunId) -> Result<&Run, Rejection> {
    snapshot.runs.get(&run).ok_or_else(|| {
        Rejection::new(RejectionKind::NotFound, format!("no run has the id {run}")).hint("`morningai runs` lists them")
    })
}

/// A run that has not ended.
fn find_live_run(snapshot: &Snapshot, run: RunId) -> Result<&Run, Rejection> {
    let found = find_run(snapshot, run)?;
    if found.state.is_final() {
        let message = format!("run {} has already {}", run.short(), found.state.name().replace('_', " "));
        return Err(Rejection::new(RejectionKind::AlreadySettled, message));
    }
    Ok(found)
}

/// A request that still wants a decision. Only people decide.
fn find_open_approval<'a>(snapshot: &'a Snapshot, approval: ApprovalId, by: &Actor) -> Result<&'a Approval, Rejection> {
    let found = snapshot.approvals.get(&approval).ok_or_else(|| {
        Rejection::new(RejectionKind::NotFound, format!("no approval has the id {approval}"))
            .hint("`morningai approvals` lists them")
    })?;
    if !found.state.is_open() {
        let who = found.decided_by.as_ref().map_or("somebody", Actor::name);
        let message = format!("approval {} is already {} (by {who})", approval.short(), found.state.name());
        return Err(Rejection::new(RejectionKind::AlreadySettled, message));
    }
    if matches!(by, Actor::Agent(_)) {
        return Err(Rejection::new(RejectionKind::NotAllowed, "an agent cannot decide on an approval"));
    }
    Ok(found)
}

fn stale(run: RunId, what: &str) -> Rejection {
    Rejection::new(RejectionKind::Stale, format!("run {}: {what} is no longer current", run.short()))
}
