//! How one call advances: requested → judged → parked or started → settled.

use super::mentions::not_mentioned;
use super::record::{in_approval, in_run};
use super::{Decided, edit, procedure};
use crate::domain::{
    Actor, ApprovalState, Ask, Authority, CallEdit, CallNo, EffectCard, EffectClass, FailureKind, FinishOutcome,
    Output, RunId, Settlement, StepNo, StepState, Timestamp, ToolCall, ToolResult, Untrusted, Verdict,
};
use crate::fold::{Snapshot, Thread};
use crate::kinds::{Approval, ApprovalEvent, CallPreparation, CallStage, OpenCall, PreparedCall, Run, RunEvent};

/// Calls of a run that may be prepared and judged now, in order.
///
/// Calls are taken in the order the model gave them. Reads may go on side by side; anything else has the run to
/// itself, so that a later call is prepared against what an earlier one left behind.
pub fn calls_to_prepare(snapshot: &Snapshot, run: RunId) -> Vec<ToolCall> {
    let (Some(row), Some(thread)) = (snapshot.runs.get(&run), snapshot.threads.get(&run)) else { return Vec::new() };
    let reachable = row.open_calls.iter().take_while(|open| match open.stage {
        CallStage::Requested => true,
        CallStage::Started { .. } => is_read(thread, open.call),
        CallStage::Parked { .. } | CallStage::Delegated { .. } | CallStage::InDoubt { .. } => false,
    });
    reachable
        .filter(|open| matches!(open.stage, CallStage::Requested))
        .filter_map(|open| thread.calls.get(&open.call))
        .map(|entry| entry.call.clone())
        .collect()
}

/// Whether a started call only reads.
pub(super) fn is_read(thread: &Thread, call: CallNo) -> bool {
    let card = thread.calls.get(&call).and_then(|entry| entry.card.as_deref());
    card.is_some_and(|card| card.class == EffectClass::Observe)
}

/// What follows from the preparation of an open call.
pub(super) fn act_on(
    snapshot: &Snapshot,
    run: &Run,
    open: &OpenCall,
    prepared: PreparedCall,
    now: Timestamp,
) -> Vec<Decided> {
    let PreparedCall { call, approval, preparation } = prepared;
    let edit = edit::of_call(snapshot, run, open);
    let preparation = edit::asks_again(edit.as_ref(), preparation);
    let preparation =
        procedure::asks(run, snapshot.threads.get(&run.id).filter(|_| run.is_procedure), call, preparation);
    let ask = |ask: Ask, rule: &str, reason: &str, expires_at| Request {
        ask,
        rule: rule.to_owned(),
        reason: reason.to_owned(),
        expires_at,
        edit: edit.clone().map(Box::new),
    };
    match preparation {
        CallPreparation::Judged { card, verdict: Verdict::Run { rule, .. } } => {
            vec![start(run, open, *card, Authority::Rule(rule))]
        }
        CallPreparation::Judged { card, verdict: Verdict::Ask { rule, reason, expires_after } } => {
            let lifetime = chrono::TimeDelta::try_seconds(i64::try_from(expires_after).unwrap_or(i64::MAX));
            let expires_at = lifetime.and_then(|lifetime| now.checked_add_signed(lifetime));
            let request = ask(Ask::Effect { card: *card }, &rule, &reason, expires_at);
            request.park(snapshot, run, open, approval)
        }
        CallPreparation::Judged { verdict: Verdict::Refuse { rule, reason }, .. } => {
            let summary = format!("refused by rule {rule}: {reason}");
            settled(snapshot, run, call, 0, ToolResult::failure(FailureKind::Refused, summary))
        }
        CallPreparation::Question { text, choices } => {
            let reason = if run.is_procedure { "The procedure asks." } else { "The agent asks." };
            let request = ask(Ask::Question { text, choices, budget: None }, "question", reason, None);
            request.park(snapshot, run, open, approval)
        }
        CallPreparation::Delegate { agent, goal } => to_agent(snapshot, run, call, agent, goal),
        CallPreparation::Invalid { result } => settled(snapshot, run, call, 0, result),
        CallPreparation::Mark { step, state } => mark(snapshot, run, call, step, state),
        CallPreparation::Finish { summary, outcome } => finish(snapshot, run, call, summary, outcome),
    }
}

/// Only a procedure hands work to an agent: one that did so itself could go on for ever.
fn to_agent(snapshot: &Snapshot, run: &Run, call: CallNo, agent: String, goal: Untrusted) -> Vec<Decided> {
    if !run.is_procedure {
        let result = ToolResult::failure(FailureKind::BadCall, "only a step of a procedure can hand work to an agent");
        return settled(snapshot, run, call, 0, result);
    }
    let inputs = snapshot.threads.get(&run.id).map(|thread| thread.spec.inputs.clone()).unwrap_or_default();
    vec![in_run(run.id, &Actor::System, RunEvent::CallDelegated { call, agent, goal, inputs })]
}

/// What follows for a parked or doubtful call from the state its request is in now.
pub(super) fn follow_decision(snapshot: &Snapshot, run: &Run, open: &OpenCall) -> Vec<Decided> {
    let (CallStage::Parked { approval, .. } | CallStage::InDoubt { approval, .. }) = &open.stage else {
        return Vec::new();
    };
    let Some(approval) = snapshot.approvals.get(approval) else { return Vec::new() };
    let fail = |kind, summary: String| settled(snapshot, run, open.call, 0, ToolResult::failure(kind, summary));
    let who = approval.decided_by.as_ref().map_or("somebody", Actor::name);
    match approval.state {
        ApprovalState::Pending | ApprovalState::InDoubt | ApprovalState::Superseded => Vec::new(),
        ApprovalState::Approved => granted(snapshot, run, open, approval),
        ApprovalState::Edited => edit::follow(run, open, approval),
        ApprovalState::Denied if approval.settlement == Some(Settlement::GiveUp) => {
            fail(FailureKind::GaveUp, with_words(&format!("{who} gave up on it: its outcome is unknown"), approval))
        }
        ApprovalState::Denied => fail(FailureKind::Denied, with_words(&format!("{who} denied it"), approval)),
        ApprovalState::Expired => fail(FailureKind::Expired, "no decision in time; it was not run".to_owned()),
        ApprovalState::Withdrawn => fail(FailureKind::Withdrawn, with_words("the request was withdrawn", approval)),
    }
}

fn granted(snapshot: &Snapshot, run: &Run, open: &OpenCall, approval: &Approval) -> Vec<Decided> {
    let who = approval.decided_by.as_ref().map_or("somebody", Actor::name);
    match (&approval.ask, approval.settlement) {
        (Ask::Question { .. }, _) => {
            let answer = Output::text(approval.words.raw());
            settled(snapshot, run, open.call, 0, ToolResult::success(format!("{who} answered"), answer))
        }
        (Ask::InDoubt { attempt, .. }, Some(Settlement::Happened)) => {
            let summary = with_words(&format!("{who} confirmed that it happened"), approval);
            settled(snapshot, run, open.call, *attempt, ToolResult::success(summary, Output::default()))
        }
        (Ask::Effect { card } | Ask::InDoubt { card, .. }, _) => {
            vec![start(run, open, card.clone(), Authority::Approval(approval.id))]
        }
    }
}

fn with_words(what: &str, approval: &Approval) -> String {
    match approval.words.raw() {
        "" => what.to_owned(),
        words => format!("{what}: {words}"),
    }
}

fn start(run: &Run, open: &OpenCall, card: EffectCard, under: Authority) -> Decided {
    let event = RunEvent::EffectStarted {
        call: open.call,
        attempt: open.attempts + 1,
        digest: card.digest(),
        repeat: card.repeat,
        under,
        card: Box::new(card),
    };
    in_run(run.id, &Actor::System, event)
}

/// A request about to be made.
struct Request {
    ask: Ask,
    rule: String,
    reason: String,
    expires_at: Option<Timestamp>,
    edit: Option<Box<CallEdit>>,
}

impl Request {
    fn park(
        self,
        snapshot: &Snapshot,
        run: &Run,
        open: &OpenCall,
        approval: crate::domain::ApprovalId,
    ) -> Vec<Decided> {
        let digest = self.ask.digest();
        let not_mentioned = self.ask.card().map(|card| not_mentioned(snapshot, run.id, card)).unwrap_or_default();
        let requested = ApprovalEvent::Requested {
            run: run.id,
            call: open.call,
            tool: open.tool.clone(),
            ask: Box::new(self.ask),
            digest: digest.clone(),
            rule: self.rule,
            reason: self.reason,
            rationale: last_words(snapshot, run.id),
            not_mentioned,
            expires_at: self.expires_at,
            edit: self.edit,
        };
        let agent = Actor::Agent(run.agent.clone());
        let parked = RunEvent::CallParked { call: open.call, approval, digest };
        vec![in_approval(approval, &agent, requested), in_run(run.id, &Actor::System, parked)]
    }
}

/// What the agent said in the turn that led to the call.
fn last_words(snapshot: &Snapshot, run: RunId) -> Untrusted {
    let turn = snapshot.threads.get(&run).and_then(|thread| thread.turns.last());
    match turn.map(|turn| &turn.status) {
        Some(crate::fold::TurnStatus::Answered(reply)) => reply.text.clone(),
        _ => Untrusted::default(),
    }
}

/// The end of a call; in a procedure it may also be the end of its step.
pub(super) fn settled(snapshot: &Snapshot, run: &Run, call: CallNo, attempt: u32, result: ToolResult) -> Vec<Decided> {
    let thread = snapshot.threads.get(&run.id).filter(|_| run.is_procedure);
    let marked = thread.and_then(|thread| procedure::step_after(run, thread, call, &result));
    let mut events = vec![in_run(run.id, &Actor::System, RunEvent::CallSettled { call, attempt, result })];
    if let Some((step, state)) = marked {
        events.push(in_run(run.id, &Actor::System, RunEvent::StepMarked { step, state }));
    }
    events
}

fn mark(snapshot: &Snapshot, run: &Run, call: CallNo, step: StepNo, state: StepState) -> Vec<Decided> {
    let known = snapshot.threads.get(&run.id).is_some_and(|thread| thread.step_states.contains_key(&step));
    if !known {
        let summary = format!("the plan has no step {step}; its steps are 1 to {}", run.steps);
        return settled(snapshot, run, call, 0, ToolResult::failure(FailureKind::BadCall, summary));
    }
    let agent = Actor::Agent(run.agent.clone());
    let mut events = vec![in_run(run.id, &agent, RunEvent::StepMarked { step, state })];
    events.extend(settled(snapshot, run, call, 0, ToolResult::success("noted", Output::default())));
    events
}

/// The agent says it is done; its earlier calls are settled by then, for calls are taken in order.
fn finish(snapshot: &Snapshot, run: &Run, call: CallNo, summary: Untrusted, outcome: FinishOutcome) -> Vec<Decided> {
    let agent = Actor::Agent(run.agent.clone());
    let mut events = settled(snapshot, run, call, 0, ToolResult::success("finished", Output::default()));
    events.push(match outcome {
        FinishOutcome::Succeeded => in_run(run.id, &agent, RunEvent::Succeeded { summary }),
        FinishOutcome::Failed => {
            in_run(run.id, &agent, RunEvent::Failed { reason: summary, hint: String::new(), because: None })
        }
    });
    events
}
