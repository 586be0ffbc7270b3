//! What is to be done about committed events. One translation, no effects of effects.

use super::recover::MOST_DEATHS;
use crate::domain::{Authority, CallNo, EffectCard, PurposeOfTurn, Repeat, RunId};
use crate::fold::Snapshot;
use crate::kinds::{CallStage, Envelope, Event, OpenCall, OpenTurn, Run, RunEvent, Stream};

/// Something to do outside. Its outcome comes back with the same run, turn or call, and attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    CallModel { run: RunId, turn: u32, attempt: u32, purpose: PurposeOfTurn },
    Perform { run: RunId, call: CallNo, attempt: u32, card: Box<EffectCard>, freshness: Freshness },
}

/// Whether what was judged may have changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Prepared for this very commit.
    JustPrepared,
    /// Prepared earlier, before a person decided or before a restart: prepare again and compare digests.
    Stale,
}

/// What a worker that takes a run up does about an effect that was begun before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeUp {
    Repeat,
    /// Look whether it happened.
    Look,
    /// Put it in doubt.
    AskAPerson,
}

/// The effects of one committed event.
pub fn effects_for(envelope: &Envelope) -> Vec<Effect> {
    let (Stream::Run(run), Event::Run(event)) = (envelope.stream, &envelope.event) else { return Vec::new() };
    match event {
        RunEvent::TurnStarted { turn, attempt, purpose } => {
            vec![Effect::CallModel { run, turn: *turn, attempt: *attempt, purpose: *purpose }]
        }
        RunEvent::EffectStarted { call, attempt, card, under, .. } => vec![Effect::Perform {
            run,
            call: *call,
            attempt: *attempt,
            card: card.clone(),
            freshness: match under {
                Authority::Rule(_) => Freshness::JustPrepared,
                Authority::Approval(_) => Freshness::Stale,
            },
        }],
        RunEvent::Started { .. }
        | RunEvent::PlanAdopted { .. }
        | RunEvent::StepMarked { .. }
        | RunEvent::TurnFinished { .. }
        | RunEvent::TurnFailed { .. }
        | RunEvent::CallsRequested { .. }
        | RunEvent::CallParked { .. }
        | RunEvent::CallDelegated { .. }
        | RunEvent::DelegateEnded { .. }
        | RunEvent::CallEdited { .. }
        | RunEvent::EffectInDoubt { .. }
        | RunEvent::CallSettled { .. }
        | RunEvent::LimitReached { .. }
        | RunEvent::Paused { .. }
        | RunEvent::Resumed {}
        | RunEvent::SetAside {}
        | RunEvent::Recovered { .. }
        | RunEvent::CancelRequested { .. }
        | RunEvent::Succeeded { .. }
        | RunEvent::Failed { .. }
        | RunEvent::Cancelled { .. } => Vec::new(),
    }
}

/// Effects of a run that were started and whose outcome never came, and what recovery does about each.
pub fn effects_left(snapshot: &Snapshot, run: RunId) -> Vec<(Effect, TakeUp)> {
    let (Some(row), Some(thread)) = (snapshot.runs.get(&run), snapshot.threads.get(&run)) else { return Vec::new() };
    let turn = row.open_turn.as_ref().map(|open| {
        let OpenTurn { turn, attempt, purpose, .. } = *open;
        (Effect::CallModel { run, turn, attempt, purpose }, TakeUp::Repeat)
    });
    let calls = row.open_calls.iter().filter_map(|open| {
        let CallStage::Started { attempt, .. } = open.stage else { return None };
        let card = thread.calls.get(&open.call)?.card.clone()?;
        let how = how_to_take_up(row, open, card.repeat);
        Some((Effect::Perform { run, call: open.call, attempt, card, freshness: Freshness::Stale }, how))
    });
    turn.into_iter().chain(calls).collect()
}

fn how_to_take_up(run: &Run, open: &OpenCall, repeat: Repeat) -> TakeUp {
    match repeat {
        // In a run that is being cancelled it is not begun again anyhow.
        Repeat::Repeatable if open.deaths < MOST_DEATHS || run.cancelling.is_some() => TakeUp::Repeat,
        // Looking may be what ends the program, too.
        Repeat::Checkable if open.deaths < MOST_DEATHS => TakeUp::Look,
        Repeat::Repeatable | Repeat::Checkable | Repeat::Once => TakeUp::AskAPerson,
    }
}
