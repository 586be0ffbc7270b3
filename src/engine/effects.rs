//! What is to be done about committed events. One translation, no effects of effects.

use crate::domain::Authority;
use crate::domain::CallNo;
use crate::domain::EffectCard;
use crate::domain::Envelope;
use crate::domain::Event;
use crate::domain::PurposeOfTurn;
use crate::domain::RunEvent;
use crate::domain::RunId;
use crate::domain::Stream;
use crate::fold::CallStage;
use crate::fold::Snapshot;

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
        | RunEvent::CallEdited { .. }
        | RunEvent::EffectInDoubt { .. }
        | RunEvent::CallSettled { .. }
        | RunEvent::LimitReached { .. }
        | RunEvent::Paused { .. }
        | RunEvent::Resumed {}
        | RunEvent::Recovered {}
        | RunEvent::CancelRequested { .. }
        | RunEvent::Succeeded { .. }
        | RunEvent::Failed { .. }
        | RunEvent::Cancelled { .. } => Vec::new(),
    }
}

/// Effects of a run that were started and whose outcome never came: what recovery has to deal with.
pub fn effects_left(snapshot: &Snapshot, run: RunId) -> Vec<Effect> {
    let (Some(row), Some(thread)) = (snapshot.runs.get(&run), snapshot.threads.get(&run)) else { return Vec::new() };
    let turn = row.open_turn.as_ref().map(|open| Effect::CallModel {
        run,
        turn: open.turn,
        attempt: open.attempt,
        purpose: open.purpose,
    });
    let calls = row.open_calls.iter().filter_map(|open| {
        let CallStage::Started { attempt, .. } = open.stage else { return None };
        let card = thread.calls.get(&open.call)?.card.clone()?;
        Some(Effect::Perform { run, call: open.call, attempt, card, freshness: Freshness::Stale })
    });
    turn.into_iter().chain(calls).collect()
}
