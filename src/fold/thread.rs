//! The whole of one run: its specification, plan, turns and calls in the order they happened.
//!
//! Held only for runs being worked on or looked at. The engine takes the next step from it, the model's
//! conversation is built from it, and the console's run page shows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::domain::{
    Actor, ApprovalId, Authority, CallEdit, CallNo, EffectCard, FailureKind, ModelFailure, ModelReply, Plan,
    PurposeOfTurn, RunId, RunSpec, StepNo, StepState, Timestamp, ToolCall, ToolResult, Untrusted,
};
use crate::kinds::{Envelope, Event, RunEvent};

/// A run's history, as far as its stream was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Thread {
    pub version: u64,
    /// Shared, for it can be large and is asked for at every step.
    pub spec: Arc<RunSpec>,
    pub plan: Option<Plan>,
    pub step_states: BTreeMap<StepNo, StepState>,
    pub turns: Vec<TurnEntry>,
    pub calls: BTreeMap<CallNo, CallEntry>,
    /// Everything in the order it happened.
    pub timeline: Vec<TimelineEntry>,
}

/// A model turn; a retried one is one entry with its last attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnEntry {
    pub turn: u32,
    pub attempt: u32,
    pub purpose: PurposeOfTurn,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub status: TurnStatus,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TurnStatus {
    Open,
    Answered(Box<ModelReply>),
    Failed(ModelFailure),
}

/// A tool call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallEntry {
    pub call: ToolCall,
    /// The turn that asked for it; 0 in a procedure.
    pub turn: u32,
    pub attempts: u32,
    /// The run of the agent that carried it out, once that has ended.
    pub delegate: Option<RunId>,
    pub requested_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub settled_at: Option<Timestamp>,
    pub card: Option<Box<EffectCard>>,
    pub under: Option<Authority>,
    pub approval: Option<ApprovalId>,
    /// Set when a person changed it; `call` then holds what it became.
    pub edit: Option<CallEdit>,
    pub status: CallStatus,
}

impl CallEntry {
    /// The arguments as the agent gave them.
    pub fn asked(&self) -> &Value {
        self.edit.as_ref().map_or(&self.call.args, |edit| &edit.asked)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum CallStatus {
    Requested,
    Parked,
    Running,
    InDoubt,
    Settled(Box<ToolResult>),
}

/// One line of a run's history.
#[derive(Clone, Debug, PartialEq)]
pub struct TimelineEntry {
    pub at: Timestamp,
    pub by: Actor,
    pub item: TimelineItem,
}

/// What the line is about; details stand in `Thread::turns` and `Thread::calls`.
#[derive(Clone, Debug, PartialEq)]
pub enum TimelineItem {
    Started,
    PlanAdopted,
    Turn(u32),
    Call(CallNo),
    Paused(String),
    Resumed,
    /// With what was set aside in the workspace.
    Recovered(Untrusted),
    CancelRequested(String),
    Ended,
}

impl Thread {
    /// Folds a run's stream; `None` when it does not begin with its start.
    pub fn of(events: &[Envelope]) -> Option<Self> {
        let first = events.first()?;
        let Event::Run(RunEvent::Started { spec }) = &first.event else { return None };
        let mut thread = Self {
            version: 0,
            spec: Arc::new((**spec).clone()),
            plan: None,
            step_states: BTreeMap::new(),
            turns: Vec::new(),
            calls: BTreeMap::new(),
            timeline: Vec::new(),
        };
        events.iter().for_each(|envelope| thread.apply(envelope));
        Some(thread)
    }

    /// Takes in the next event of the run's stream. One already taken in changes nothing.
    pub fn apply(&mut self, envelope: &Envelope) {
        let Event::Run(event) = &envelope.event else { return };
        if envelope.version <= self.version {
            return;
        }
        self.version = envelope.version;
        let at = envelope.at;
        match event {
            RunEvent::Started { .. } => self.note(envelope, TimelineItem::Started),
            RunEvent::PlanAdopted { plan } => {
                self.step_states = plan.steps.iter().map(|step| (step.step, StepState::Pending)).collect();
                self.plan = Some(plan.clone());
                self.note(envelope, TimelineItem::PlanAdopted);
            }
            RunEvent::StepMarked { step, state } => {
                self.step_states.insert(*step, *state);
            }
            RunEvent::TurnStarted { turn, attempt, purpose } => self.start_turn(envelope, *turn, *attempt, *purpose),
            RunEvent::TurnFinished { turn, reply, .. } => {
                self.end_turn(*turn, at, TurnStatus::Answered(Box::new(reply.clone())));
            }
            RunEvent::TurnFailed { turn, failure, .. } => {
                self.end_turn(*turn, at, TurnStatus::Failed(failure.clone()));
            }
            RunEvent::CallsRequested { calls } => calls.iter().for_each(|call| self.request(envelope, call)),
            RunEvent::CallParked { call, approval, .. } => self.change(*call, |entry| {
                entry.status = CallStatus::Parked;
                entry.approval = Some(*approval);
            }),
            RunEvent::CallDelegated { call, .. } => self.change(*call, |entry| {
                entry.status = CallStatus::Running;
                entry.attempts = 1;
                entry.started_at = Some(at);
            }),
            RunEvent::DelegateEnded { call, run, .. } => self.change(*call, |entry| entry.delegate = Some(*run)),
            RunEvent::CallEdited { call, approval, args } => self.change(*call, |entry| {
                let (by, asked) = (envelope.by.clone(), entry.asked().clone());
                entry.edit = Some(CallEdit { by, request: *approval, asked, args: args.clone() });
                entry.call.args = args.clone();
                entry.status = CallStatus::Requested;
            }),
            RunEvent::EffectStarted { call, attempt, under, card, .. } => self.change(*call, |entry| {
                entry.status = CallStatus::Running;
                entry.attempts = *attempt;
                entry.started_at = Some(at);
                entry.under = Some(under.clone());
                entry.card = Some(card.clone());
            }),
            RunEvent::EffectInDoubt { call, approval, .. } => self.change(*call, |entry| {
                entry.status = CallStatus::InDoubt;
                entry.approval = Some(*approval);
            }),
            RunEvent::CallSettled { call, attempt, result } => self.change(*call, |entry| {
                // Attempts that were begun and found to do something else than approved did nothing.
                if *attempt == 0 && result.failure != Some(FailureKind::GaveUp) {
                    entry.attempts = 0;
                }
                entry.status = CallStatus::Settled(Box::new(result.clone()));
                entry.settled_at = Some(at);
            }),
            RunEvent::LimitReached { limit } => {
                self.note(envelope, TimelineItem::Paused(format!("reached its limit on {}", limit.name())));
            }
            RunEvent::Paused { reason, .. } => self.note(envelope, TimelineItem::Paused(reason.clone())),
            RunEvent::Resumed {} => self.note(envelope, TimelineItem::Resumed),
            // The next line, by the worker that takes it up, says all that a reader wants to know.
            RunEvent::SetAside {} => {}
            RunEvent::Recovered { lost: _, left } => self.note(envelope, TimelineItem::Recovered(left.clone())),
            RunEvent::CancelRequested { reason } => self.note(envelope, TimelineItem::CancelRequested(reason.clone())),
            RunEvent::Succeeded { .. } | RunEvent::Failed { .. } | RunEvent::Cancelled { .. } => {
                self.note(envelope, TimelineItem::Ended);
            }
        }
    }

    fn note(&mut self, envelope: &Envelope, item: TimelineItem) {
        self.timeline.push(TimelineEntry { at: envelope.at, by: envelope.by.clone(), item });
    }

    fn start_turn(&mut self, envelope: &Envelope, turn: u32, attempt: u32, purpose: PurposeOfTurn) {
        let entry =
            TurnEntry { turn, attempt, purpose, started_at: envelope.at, ended_at: None, status: TurnStatus::Open };
        match self.turns.last_mut() {
            Some(last) if last.turn == turn => *last = entry,
            _ => {
                self.turns.push(entry);
                self.note(envelope, TimelineItem::Turn(turn));
            }
        }
    }

    fn end_turn(&mut self, turn: u32, at: Timestamp, status: TurnStatus) {
        if let Some(entry) = self.turns.last_mut().filter(|entry| entry.turn == turn) {
            entry.ended_at = Some(at);
            entry.status = status;
        }
    }

    fn request(&mut self, envelope: &Envelope, call: &ToolCall) {
        let entry = CallEntry {
            call: call.clone(),
            turn: self.turns.last().map_or(0, |turn| turn.turn),
            attempts: 0,
            delegate: None,
            requested_at: envelope.at,
            started_at: None,
            settled_at: None,
            card: None,
            under: None,
            approval: None,
            edit: None,
            status: CallStatus::Requested,
        };
        self.calls.insert(call.call, entry);
        self.note(envelope, TimelineItem::Call(call.call));
    }

    fn change(&mut self, call: CallNo, change: impl FnOnce(&mut CallEntry)) {
        if let Some(entry) = self.calls.get_mut(&call) {
            change(entry);
        }
    }
}
