//! A run as one small row: its state, what is open in it, and what it has used.
//!
//! Its size does not grow with its history; the history is a `Thread`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::budget::BudgetRaises;
use crate::domain::{
    Actor, ApprovalId, CallNo, CardDigest, Limits, ModelReply, PurposeOfTurn, Repeat, RunId, RunSpec, RunState,
    StepState, Timestamp, ToolCall, ToolName, Untrusted, Usd, Workspace,
};
use crate::kinds::RunEvent;

/// The tool that pushes a change.
const PUSH: &str = "git_push";

/// Models that are kept of a run.
const MOST_MODELS: usize = 8;

/// What is live about a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    /// Version of its stream that this row reflects.
    pub version: u64,
    pub goal: Untrusted,
    pub agent: String,
    pub started_by: Actor,
    pub state: RunState,
    pub workspace: Option<Workspace>,
    pub limits: Limits,
    /// Whether it follows a procedure and needs no model.
    pub is_procedure: bool,
    pub started_at: Timestamp,
    pub updated_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Steps of the plan, and how many of them are done.
    pub steps: u32,
    pub steps_done: u32,
    pub turns: u32,
    pub tokens: u64,
    pub cost: Usd,
    /// Turns whose price is not known; `cost` is then a lower bound.
    pub unpriced_turns: u32,
    /// Working time so far, in milliseconds: while a turn or an effect was under way.
    pub worked_milliseconds: u64,
    /// Since when something has been under way without a break.
    pub busy_since: Option<Timestamp>,
    /// Its last worker ended in order; nobody was lost who is to be counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_set_aside: bool,
    /// Somebody asked to stop it; it ends once nothing is under way.
    pub cancelling: Option<String>,
    pub output_bytes: u64,
    /// Calls requested so far; the next one gets the number after it.
    pub calls: u32,
    pub open_turn: Option<OpenTurn>,
    /// Calls not yet settled; bounded by what one turn may ask for.
    pub open_calls: Vec<OpenCall>,
    /// Why it is paused, or how it ended.
    pub note: Untrusted,
    /// What to do about a failure.
    pub hint: String,
    /// The models that answered it, in the order in which they first did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// Changes that it pushed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pushes: u32,
    /// What it may spend beyond a budget that was used up.
    #[serde(default, skip_serializing_if = "BudgetRaises::is_none")]
    pub budget_raises: BudgetRaises,
}

/// A model turn that was started and not answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenTurn {
    pub turn: u32,
    pub attempt: u32,
    pub purpose: PurposeOfTurn,
    /// Workers lost so far while it was under way.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deaths: u32,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// A tool call on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenCall {
    pub call: CallNo,
    pub tool: ToolName,
    /// Attempts begun so far.
    pub attempts: u32,
    /// Workers lost so far while its present attempt was under way.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deaths: u32,
    pub stage: CallStage,
}

/// How far a call has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum CallStage {
    /// To be prepared and judged.
    Requested,
    /// A person must decide.
    Parked { approval: ApprovalId, digest: CardDigest },
    /// An agent carries it out, in a run of its own.
    Delegated {
        /// As what of this run's stream that was decided, and when: its run follows from them.
        since: u64,
        at: Timestamp,
        agent: String,
        goal: Untrusted,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        inputs: BTreeMap<String, Untrusted>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ended: Option<DelegateEnd>,
    },
    /// Begun; its outcome is to come.
    Started { attempt: u32, repeat: Repeat, digest: CardDigest },
    /// Begun, outcome unknown; a person must settle it.
    InDoubt { attempt: u32, approval: ApprovalId, digest: CardDigest },
}

/// How the run of an agent ended that carried out a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DelegateEnd {
    pub run: RunId,
    pub state: RunState,
    pub summary: Untrusted,
}

impl Run {
    /// Fields that rows of an earlier version lack.
    pub const ADDED: [&str; 2] = ["models", "pushes"];

    /// The row of a run that has just started.
    pub fn started(id: RunId, spec: &RunSpec, by: &Actor, at: Timestamp) -> Self {
        Self {
            id,
            version: 1,
            goal: spec.goal.clone(),
            agent: spec.agent.clone(),
            started_by: by.clone(),
            state: if spec.procedure.is_empty() { RunState::Planning } else { RunState::Running },
            workspace: spec.workspace.clone(),
            limits: Limits { quota: None, ..spec.limits.clone() },
            is_procedure: !spec.procedure.is_empty(),
            started_at: at,
            updated_at: at,
            ended_at: None,
            steps: 0,
            steps_done: 0,
            turns: 0,
            tokens: 0,
            cost: Usd::ZERO,
            unpriced_turns: 0,
            worked_milliseconds: 0,
            busy_since: None,
            is_set_aside: false,
            cancelling: None,
            output_bytes: 0,
            calls: 0,
            open_turn: None,
            open_calls: Vec::new(),
            note: Untrusted::default(),
            hint: String::new(),
            models: Vec::new(),
            pushes: 0,
            budget_raises: BudgetRaises::default(),
        }
    }

    pub fn open_call(&self, call: CallNo) -> Option<&OpenCall> {
        self.open_calls.iter().find(|open| open.call == call)
    }

    /// Whether four fifths of its cost limit are used, so that a person should know before the limit stops it.
    pub fn nears_cost_limit(&self) -> bool {
        !self.state.is_final() && self.is_near(self.cost)
    }

    /// Whether it was the cost of this, which it has taken in, that brought it near the limit.
    pub fn was_brought_near_by(&self, reply: &ModelReply) -> bool {
        let before = Usd(self.cost.0 - reply.cost.unwrap_or(Usd::ZERO).0);
        self.nears_cost_limit() && !self.is_near(before)
    }

    fn is_near(&self, cost: Usd) -> bool {
        self.limits.cost > Usd::ZERO && i128::from(cost.0) * 5 >= i128::from(self.limits.cost.0) * 4
    }

    /// Approvals this run waits for.
    pub fn awaited(&self) -> impl Iterator<Item = ApprovalId> + '_ {
        let of_calls = self.open_calls.iter().filter_map(|open| match &open.stage {
            CallStage::Parked { approval, .. } | CallStage::InDoubt { approval, .. } => Some(*approval),
            CallStage::Requested | CallStage::Delegated { .. } | CallStage::Started { .. } => None,
        });
        of_calls.chain(self.budget_raises.asked())
    }

    pub(super) fn take_in(&mut self, event: &RunEvent, version: u64, at: Timestamp) {
        self.version = version;
        self.updated_at = at;
        match event {
            RunEvent::Started { .. } => {}
            RunEvent::PlanAdopted { plan } => self.steps = plan.steps.len() as u32,
            RunEvent::StepMarked { state, .. } => {
                if matches!(state, StepState::Done | StepState::Skipped) {
                    self.steps_done = (self.steps_done + 1).min(self.steps);
                }
            }
            RunEvent::TurnStarted { turn, attempt, purpose } => {
                self.turns = *turn;
                self.open_turn = Some(OpenTurn { turn: *turn, attempt: *attempt, purpose: *purpose, deaths: 0 });
            }
            RunEvent::TurnFinished { reply, .. } => {
                self.open_turn = None;
                if !self.models.contains(&reply.model) && self.models.len() < MOST_MODELS {
                    self.models.push(reply.model.clone());
                }
                self.tokens += reply.usage.map_or(0, |usage| usage.total());
                match reply.cost {
                    Some(cost) => self.cost += cost,
                    None => self.unpriced_turns += 1,
                }
            }
            RunEvent::TurnFailed { .. } => self.open_turn = None,
            RunEvent::CallsRequested { calls } => self.request(calls),
            RunEvent::CallParked { call, approval, digest } => {
                self.set_stage(*call, CallStage::Parked { approval: *approval, digest: digest.clone() });
            }
            RunEvent::CallDelegated { call, agent, goal, inputs } => {
                let (agent, goal, inputs) = (agent.clone(), goal.clone(), inputs.clone());
                self.set_stage(*call, CallStage::Delegated { since: version, at, agent, goal, inputs, ended: None });
            }
            RunEvent::DelegateEnded { call, run, state, summary, cost } => {
                self.cost += *cost;
                let open = self.open_calls.iter_mut().find(|open| open.call == *call);
                if let Some(OpenCall { stage: CallStage::Delegated { ended, .. }, .. }) = open {
                    *ended = Some(DelegateEnd { run: *run, state: *state, summary: summary.clone() });
                }
            }
            RunEvent::CallEdited { call, .. } => self.set_stage(*call, CallStage::Requested),
            RunEvent::EffectStarted { call, attempt, digest, repeat, .. } => {
                let stage = CallStage::Started { attempt: *attempt, repeat: *repeat, digest: digest.clone() };
                self.set_stage(*call, stage);
                if let Some(open) = self.open_calls.iter_mut().find(|open| open.call == *call) {
                    open.attempts = *attempt;
                    open.deaths = 0;
                }
            }
            RunEvent::EffectInDoubt { call, attempt, approval } => self.doubt(*call, *attempt, *approval),
            RunEvent::CallSettled { call, result, .. } => {
                let is_push = self.open_call(*call).is_some_and(|open| open.tool.0 == PUSH);
                self.pushes += u32::from(is_push && result.succeeded());
                self.open_calls.retain(|open| open.call != *call);
                self.output_bytes += result.output.bytes;
            }
            RunEvent::LimitReached { limit } => self.note = format!("reached its limit on {}", limit.name()).into(),
            RunEvent::SetAside {} => self.is_set_aside = true,
            RunEvent::Recovered { lost, left: _ } => self.recover(*lost),
            RunEvent::CancelRequested { reason } => self.cancelling = Some(reason.clone()),
            RunEvent::Paused { reason, over } => {
                self.note = reason.as_str().into();
                self.budget_raises.paused(over.as_ref(), at);
            }
            RunEvent::Resumed {} => self.resume(),
            RunEvent::Succeeded { summary } => self.end(summary, "", at),
            RunEvent::Failed { reason, hint, .. } => self.end(reason, hint, at),
            RunEvent::Cancelled { reason } => self.end(&reason.as_str().into(), "", at),
        }
        self.state = self.state_after(event);
        self.keep_time(at);
    }

    /// Whether a turn or an effect is under way.
    pub fn is_busy(&self) -> bool {
        self.open_turn.is_some() || self.open_calls.iter().any(|open| matches!(open.stage, CallStage::Started { .. }))
    }

    fn recover(&mut self, lost: bool) {
        // Nobody worked between the loss of the last worker and now.
        self.busy_since = None;
        self.is_set_aside = false;
        if lost {
            self.open_turn.iter_mut().for_each(|open| open.deaths += 1);
            let started = |open: &&mut OpenCall| matches!(open.stage, CallStage::Started { .. });
            self.open_calls.iter_mut().filter(started).for_each(|open| open.deaths += 1);
        }
    }

    fn keep_time(&mut self, at: Timestamp) {
        match (self.busy_since, self.is_busy()) {
            (None, true) => self.busy_since = Some(at),
            (Some(since), false) => {
                self.worked_milliseconds += u64::try_from((at - since).num_milliseconds()).unwrap_or(0);
                self.busy_since = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    fn request(&mut self, calls: &[ToolCall]) {
        for call in calls {
            self.calls = self.calls.max(call.call.0);
            self.open_calls.push(OpenCall {
                call: call.call,
                tool: call.tool.clone(),
                attempts: 0,
                deaths: 0,
                stage: CallStage::Requested,
            });
        }
    }

    fn set_stage(&mut self, call: CallNo, stage: CallStage) {
        if let Some(open) = self.open_calls.iter_mut().find(|open| open.call == call) {
            open.stage = stage;
        }
    }

    fn doubt(&mut self, call: CallNo, attempt: u32, approval: ApprovalId) {
        let Some(open) = self.open_calls.iter_mut().find(|open| open.call == call) else { return };
        if let CallStage::Started { digest, .. } = &open.stage {
            open.stage = CallStage::InDoubt { attempt, approval, digest: digest.clone() };
        }
    }

    /// A person let it go on: whatever limit it had reached is given once more.
    fn resume(&mut self) {
        let given = Limits::default();
        let spent_seconds = self.worked_milliseconds / 1000;
        let limits = &mut self.limits;
        if self.turns >= limits.turns {
            limits.turns = self.turns + given.turns;
        }
        if self.tokens >= limits.tokens {
            limits.tokens = self.tokens + given.tokens;
        }
        if self.cost >= limits.cost {
            limits.cost = self.cost + given.cost;
        }
        if spent_seconds >= limits.seconds {
            limits.seconds = spent_seconds + given.seconds;
        }
        if self.output_bytes >= limits.output_bytes {
            limits.output_bytes = self.output_bytes + given.output_bytes;
        }
        self.budget_raises.resumed();
        self.note = Untrusted::default();
    }

    fn end(&mut self, note: &Untrusted, hint: &str, at: Timestamp) {
        self.note = note.clone();
        self.hint = hint.to_owned();
        self.ended_at = Some(at);
        self.open_turn = None;
        self.open_calls.clear();
        self.budget_raises.ended();
    }

    fn state_after(&self, event: &RunEvent) -> RunState {
        match event {
            RunEvent::Succeeded { .. } => return RunState::Succeeded,
            RunEvent::Failed { .. } => return RunState::Failed,
            RunEvent::Cancelled { .. } => return RunState::Cancelled,
            RunEvent::Paused { .. } | RunEvent::LimitReached { .. } => return RunState::Paused,
            RunEvent::Resumed {} => {}
            // Outcomes of what was already under way may arrive while it is paused.
            RunEvent::Started { .. }
            | RunEvent::PlanAdopted { .. }
            | RunEvent::StepMarked { .. }
            | RunEvent::TurnStarted { .. }
            | RunEvent::TurnFinished { .. }
            | RunEvent::TurnFailed { .. }
            | RunEvent::CallsRequested { .. }
            | RunEvent::CallParked { .. }
            | RunEvent::CallDelegated { .. }
            | RunEvent::DelegateEnded { .. }
            | RunEvent::CallEdited { .. }
            | RunEvent::EffectStarted { .. }
            | RunEvent::EffectInDoubt { .. }
            | RunEvent::CallSettled { .. }
            | RunEvent::Recovered { .. }
            | RunEvent::SetAside {}
            | RunEvent::CancelRequested { .. } => {
                if self.state == RunState::Paused || self.state.is_final() {
                    return self.state;
                }
            }
        }
        let stage = |wanted: fn(&CallStage) -> bool| self.open_calls.iter().filter(|open| wanted(&open.stage)).count();
        let doubtful = stage(|stage| matches!(stage, CallStage::InDoubt { .. }));
        let parked = stage(|stage| matches!(stage, CallStage::Parked { .. }));
        let nothing_moves = self.open_turn.is_none() && doubtful + parked == self.open_calls.len();
        match &self.open_turn {
            _ if doubtful > 0 && nothing_moves => RunState::InDoubt,
            _ if parked > 0 && nothing_moves => RunState::Waiting,
            Some(OpenTurn { purpose: PurposeOfTurn::Plan, .. }) => RunState::Planning,
            None if self.steps == 0 && self.calls == 0 && !self.is_procedure => RunState::Planning,
            _ => RunState::Running,
        }
    }
}
