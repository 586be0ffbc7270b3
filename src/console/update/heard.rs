//! What a committed event changes in the console itself, beyond the snapshot that was folded already.

use super::{Request, edit, navigate};
use crate::console::state::{Reading, Source, State};
use crate::domain::{Actor, ModelReply, OverBudget, RunId};
use crate::fold::Snapshot;
use crate::kinds::{ApprovalEvent, BudgetEvent, BudgetGauge, Envelope, Event, RunEvent, Stream};

/// Takes note of an event that `snapshot` has taken in. A new request rings; what has ended needs no live text any more.
pub fn heard(state: &mut State, snapshot: &Snapshot, envelope: &Envelope) -> Vec<Request> {
    state.log.push(envelope);
    if let Event::Approval(ApprovalEvent::Requested { .. }) = &envelope.event {
        edit::asked_anew(state, envelope);
    }
    if envelope.event.rings() || is_near_when_set(snapshot, envelope) {
        return vec![Request::Bell];
    }
    if let (Event::Run(event), Stream::Run(run)) = (&envelope.event, envelope.stream) {
        let rings = model_answers(state, envelope, event, run)
            || stops_by_itself(envelope, event)
            || nears_cost_limit(snapshot, event, run)
            || nears_budget(snapshot, envelope, event);
        let requests = if rings { vec![Request::Bell] } else { Vec::new() };
        if let RunEvent::EffectStarted { call, .. } = event {
            state.outcomes.begun(run, *call);
        }
        if let RunEvent::CallSettled { call, result, .. } = event {
            state.outcomes.settled(run, *call, result);
        }
        let Some(live) = state.live.get_mut(&run) else { return requests };
        match event {
            RunEvent::TurnFinished { turn, .. } | RunEvent::TurnFailed { turn, .. } => live.end_turn(*turn),
            RunEvent::CallSettled { call, .. } => live.end_call(*call),
            RunEvent::Succeeded { .. } | RunEvent::Failed { .. } | RunEvent::Cancelled { .. } => {
                state.live.remove(&run);
            }
            RunEvent::Started { .. }
            | RunEvent::PlanAdopted { .. }
            | RunEvent::StepMarked { .. }
            | RunEvent::TurnStarted { .. }
            | RunEvent::CallsRequested { .. }
            | RunEvent::CallParked { .. }
            | RunEvent::CallDelegated { .. }
            | RunEvent::DelegateEnded { .. }
            | RunEvent::CallEdited { .. }
            | RunEvent::EffectStarted { .. }
            | RunEvent::EffectInDoubt { .. }
            | RunEvent::LimitReached { .. }
            | RunEvent::Paused { .. }
            | RunEvent::Resumed {}
            | RunEvent::Recovered { .. }
            | RunEvent::SetAside {}
            | RunEvent::CancelRequested { .. } => {}
        }
        return requests;
    }
    Vec::new()
}

/// Whether a run stopped although nobody told it to. Where people were asked about that, the request rang.
fn stops_by_itself(envelope: &Envelope, event: &RunEvent) -> bool {
    let is_asked = matches!(event, RunEvent::Paused { over: Some(OverBudget { asked: Some(_), .. }), .. });
    let stops = matches!(event, RunEvent::Paused { .. } | RunEvent::Failed { .. });
    stops && !is_asked && !matches!(envelope.by, Actor::Person(_))
}

/// Whether this answer cost so much that a person should know before the limit stops the run.
fn nears_cost_limit(snapshot: &Snapshot, event: &RunEvent, run: RunId) -> bool {
    let RunEvent::TurnFinished { reply, .. } = event else { return false };
    snapshot.runs.get(&run).is_some_and(|run| run.was_brought_near_by(reply))
}

/// Whether this answer brought what all runs cost together to four fifths of a budget, or to its end.
fn nears_budget(snapshot: &Snapshot, envelope: &Envelope, event: &RunEvent) -> bool {
    let RunEvent::TurnFinished { reply: ModelReply { cost: Some(cost), .. }, .. } = event else { return false };
    let Some(run) = envelope.stream.run().and_then(|run| snapshot.runs.get(&run)) else { return false };
    let gauges = snapshot.gauges(envelope.at);
    gauges.iter().any(|gauge| gauge.was_passed_by(*cost, &run.agent, &run.started_by))
}

/// Whether a budget was set that is used up already, or nearly.
fn is_near_when_set(snapshot: &Snapshot, envelope: &Envelope) -> bool {
    let Event::Budget(BudgetEvent::Set { scope, period, .. }) = &envelope.event else { return false };
    let is_it = |gauge: &BudgetGauge| gauge.scope == *scope && gauge.period == *period && gauge.is_near();
    snapshot.gauges(envelope.at).iter().any(is_it)
}

/// Keeps count of the turns that fail one after another. Whether the model fails in a way it did not before.
fn model_answers(state: &mut State, envelope: &Envelope, event: &RunEvent, run: RunId) -> bool {
    let is_new = if let RunEvent::TurnFailed { failure, .. } = event {
        state.failing.failed(run, failure, envelope.at)
    } else {
        false
    };
    let is_over = matches!(
        event,
        RunEvent::TurnFinished { .. }
            | RunEvent::Succeeded { .. }
            | RunEvent::Failed { .. }
            | RunEvent::Cancelled { .. }
    );
    if is_over {
        state.failing.is_over(run);
    }
    is_new
}

/// A recording begins where its run does: on that run's page, until the viewer goes elsewhere.
pub fn watch(state: &mut State, run: RunId) -> Vec<Request> {
    let untouched = state.last_key.is_none() && state.pages.is_empty();
    if untouched { navigate::open_run(state, run) } else { Vec::new() }
}

/// The source began anew: what was read of it before may not hold any more.
pub fn reopened(state: &mut State) -> Vec<Request> {
    state.live.clear();
    state.failing.clear();
    state.deciding.clear();
    state.source = Source::Heard;
    state.runs.reading = Reading::Never;
    state.approvals.reading = Reading::Never;
    navigate::reread(state)
}
