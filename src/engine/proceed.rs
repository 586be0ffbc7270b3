//! Deciding what comes next in a run, as far as it can go without waiting.

use std::collections::BTreeMap;

use super::Decided;
use super::call::{act_on, follow_decision, is_read};
use super::delegate;
use super::next::next;
use crate::domain::{Actor, CallNo, EffectClass, Rejection, RejectionKind, RunId, RunState, Timestamp};
use crate::fold::{Snapshot, Thread};
use crate::kinds::{
    CallPreparation, CallStage, Event, OpenCall, PreparedCall, Run, RunEvent, end_cancelled, find_live_run,
};

pub(super) fn proceed(
    snapshot: &Snapshot,
    id: RunId,
    prepared: Vec<PreparedCall>,
    now: Timestamp,
) -> Result<Vec<Decided>, Rejection> {
    let run = find_live_run(snapshot, id)?;
    let thread = snapshot.threads.get(&id).ok_or_else(|| {
        Rejection::new(RejectionKind::Invalid, format!("the history of run {} is not open", id.short()))
    })?;
    if let Some(reason) = &run.cancelling {
        let ends = !run.is_busy() && !awaits_settlement(snapshot, run);
        return Ok(if ends { end_cancelled(snapshot, run, reason.clone(), &Actor::System) } else { Vec::new() });
    }
    if run.state == RunState::Paused {
        return Ok(Vec::new());
    }
    let mut prepared: BTreeMap<_, _> = prepared.into_iter().map(|call| (call.call, call)).collect();
    let mut events = Vec::new();
    let mut earlier = Earlier::Settled;
    for open in &run.open_calls {
        let waits = earlier != Earlier::Settled
            && prepared.get(&open.call).is_some_and(|call| needs_the_run_to_itself(&call.preparation));
        let produced = if waits { Vec::new() } else { advance(snapshot, run, open, &mut prepared, now) };
        earlier = earlier.and(stands(thread, open, &produced));
        events.extend(produced);
        if earlier == Earlier::Blocks {
            break;
        }
    }
    if run.open_calls.is_empty() && run.open_turn.is_none() {
        events.extend(go_on(snapshot, run, thread, &mut prepared, now));
    }
    Ok(events)
}

/// How the calls before one stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Earlier {
    Settled,
    /// Only reads are under way.
    Reading,
    Blocks,
}

impl Earlier {
    fn and(self, other: Self) -> Self {
        self.max(other)
    }
}

/// How a call stands after what was just decided about it.
fn stands(thread: &Thread, open: &OpenCall, produced: &[Decided]) -> Earlier {
    let settled = |event: &RunEvent| matches!(event, RunEvent::CallSettled { call, .. } if *call == open.call);
    let reads = |event: &RunEvent| {
        matches!(event, RunEvent::EffectStarted { call, card, .. }
            if *call == open.call && card.class == EffectClass::Observe)
    };
    let any = |wanted: &dyn Fn(&RunEvent) -> bool| {
        produced.iter().any(|decided| matches!(&decided.event, Event::Run(event) if wanted(event)))
    };
    if any(&settled) {
        Earlier::Settled
    } else if any(&reads) || (matches!(open.stage, CallStage::Started { .. }) && is_read(thread, open.call)) {
        Earlier::Reading
    } else {
        Earlier::Blocks
    }
}

/// Whether a call must wait for the reads before it.
fn needs_the_run_to_itself(preparation: &CallPreparation) -> bool {
    match preparation {
        CallPreparation::Judged { card, .. } => card.class != EffectClass::Observe,
        CallPreparation::Finish { .. } | CallPreparation::Delegate { .. } => true,
        CallPreparation::Question { .. } | CallPreparation::Mark { .. } | CallPreparation::Invalid { .. } => false,
    }
}

fn advance(
    snapshot: &Snapshot,
    run: &Run,
    open: &OpenCall,
    prepared: &mut BTreeMap<CallNo, PreparedCall>,
    now: Timestamp,
) -> Vec<Decided> {
    match open.stage {
        CallStage::Requested => {
            let ready = prepared.remove(&open.call);
            ready.map(|call| act_on(snapshot, run, open, call, now)).unwrap_or_default()
        }
        CallStage::Parked { .. } | CallStage::InDoubt { .. } => {
            let mut events = follow_decision(snapshot, run, open);
            // A changed call that was prepared beforehand is asked for again in the same commit.
            if events.iter().any(|decided| matches!(decided.event, Event::Run(RunEvent::CallEdited { .. })))
                && let Some(ready) = prepared.remove(&open.call)
            {
                events.extend(act_on(snapshot, run, open, ready, now));
            }
            events
        }
        CallStage::Delegated { .. } => delegate::follow(snapshot, run, open),
        CallStage::Started { .. } => Vec::new(),
    }
}

/// What comes next; a call that was prepared beforehand starts at once, in the same commit.
fn go_on(
    snapshot: &Snapshot,
    run: &Run,
    thread: &Thread,
    prepared: &mut BTreeMap<CallNo, PreparedCall>,
    now: Timestamp,
) -> Vec<Decided> {
    let mut events = next(snapshot, run, thread, now);
    let requested: Vec<_> = events
        .iter()
        .filter_map(|decided| {
            let Event::Run(RunEvent::CallsRequested { calls }) = &decided.event else { return None };
            Some(calls.clone())
        })
        .flatten()
        .collect();
    let all_ready = requested.iter().all(|call| prepared.contains_key(&call.call));
    for call in requested.into_iter().filter(|_| all_ready) {
        let open = OpenCall { call: call.call, tool: call.tool, attempts: 0, deaths: 0, stage: CallStage::Requested };
        events.extend(advance(snapshot, run, &open, prepared, now));
    }
    events
}

/// A cancelled run waits for its doubtful outcomes to be settled, and no longer.
fn awaits_settlement(snapshot: &Snapshot, run: &Run) -> bool {
    run.open_calls.iter().any(|open| match &open.stage {
        CallStage::InDoubt { approval, .. } => {
            snapshot.approvals.get(approval).is_none_or(|approval| approval.state.is_open())
        }
        _ => false,
    })
}
