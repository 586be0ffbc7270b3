//! What can have happened in a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{
    ApprovalId, Authority, BlobId, CallNo, CardDigest, EffectCard, FailureKind, LimitKind, ModelFailure, ModelReply,
    OverBudget, Plan, PurposeOfTurn, Repeat, RunId, RunSpec, RunState, StepNo, StepState, ToolCall, ToolResult,
    Untrusted, Usd,
};
use crate::kinds::{KindEvent, Look};

/// What happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum RunEvent {
    #[serde(rename = "run.started")]
    Started { spec: Box<RunSpec> },
    #[serde(rename = "run.plan_adopted")]
    PlanAdopted { plan: Plan },
    #[serde(rename = "run.step_marked")]
    StepMarked { step: StepNo, state: StepState },
    #[serde(rename = "run.turn_started")]
    TurnStarted { turn: u32, attempt: u32, purpose: PurposeOfTurn },
    #[serde(rename = "run.turn_finished")]
    TurnFinished { turn: u32, attempt: u32, reply: ModelReply },
    #[serde(rename = "run.turn_failed")]
    TurnFailed { turn: u32, attempt: u32, failure: ModelFailure },
    /// Calls the turn (or the procedure) asks for; each will be prepared, judged and settled.
    #[serde(rename = "run.calls_requested")]
    CallsRequested { calls: Vec<ToolCall> },
    /// A call that parked: a person must decide on `approval` first.
    #[serde(rename = "run.call_parked")]
    CallParked { call: CallNo, approval: ApprovalId, digest: CardDigest },
    /// A call that an agent carries out, in a run of its own: the run's id follows from this event.
    #[serde(rename = "run.call_delegated")]
    CallDelegated {
        call: CallNo,
        agent: String,
        goal: Untrusted,
        /// What the agent is told besides: what this run was told.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        inputs: BTreeMap<String, Untrusted>,
    },
    /// The run of that agent came to its end, or could not begin.
    #[serde(rename = "run.delegate_ended")]
    DelegateEnded { call: CallNo, run: RunId, state: RunState, summary: Untrusted, cost: Usd },
    /// A person changed the arguments of a parked call; `approval` is the request that was changed. The call is prepared
    /// and judged anew.
    #[serde(rename = "run.call_edited")]
    CallEdited { call: CallNo, approval: ApprovalId, args: Value },
    /// Intent, logged before the effect begins.
    #[serde(rename = "run.effect_started")]
    EffectStarted {
        call: CallNo,
        attempt: u32,
        digest: CardDigest,
        repeat: Repeat,
        under: Authority,
        card: Box<EffectCard>,
    },
    /// An effect whose outcome nobody knows; `approval` asks a person to settle it.
    #[serde(rename = "run.effect_in_doubt")]
    EffectInDoubt { call: CallNo, attempt: u32, approval: ApprovalId },
    /// A call reached its end: it ran, or was refused, denied, expired or settled. `attempt` 0: it never started.
    #[serde(rename = "run.call_settled")]
    CallSettled { call: CallNo, attempt: u32, result: ToolResult },
    #[serde(rename = "run.limit_reached")]
    LimitReached { limit: LimitKind },
    #[serde(rename = "run.paused")]
    Paused {
        reason: String,
        /// Of a budget that was used up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        over: Option<OverBudget>,
    },
    #[serde(rename = "run.resumed")]
    Resumed {},
    /// Its worker ended in order with something under way, which may be repeated and was cut off.
    #[serde(rename = "run.set_aside")]
    SetAside {},
    /// A worker took the run up where another one, or an earlier process, had left it.
    #[serde(rename = "run.recovered")]
    Recovered {
        /// Whether the worker before did not set the run aside: it died, or was thought dead. Logs of before do not tell.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        lost: bool,
        /// What was set aside of all that had been left in its workspace, in words of ours.
        #[serde(default, skip_serializing_if = "Untrusted::is_empty")]
        left: Untrusted,
    },
    /// Somebody wants it stopped; what is under way comes to its end first.
    #[serde(rename = "run.cancel_requested")]
    CancelRequested { reason: String },
    #[serde(rename = "run.succeeded")]
    Succeeded { summary: Untrusted },
    #[serde(rename = "run.failed")]
    Failed {
        reason: Untrusted,
        hint: String,
        /// Of a procedure, what kind of failure stopped it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<FailureKind>,
    },
    #[serde(rename = "run.cancelled")]
    Cancelled { reason: String },
}

impl RunEvent {
    /// The request to a person that it makes.
    pub fn asks(&self) -> Option<ApprovalId> {
        match self {
            Self::CallParked { approval, .. } | Self::EffectInDoubt { approval, .. } => Some(*approval),
            Self::Started { .. }
            | Self::PlanAdopted { .. }
            | Self::StepMarked { .. }
            | Self::TurnStarted { .. }
            | Self::TurnFinished { .. }
            | Self::TurnFailed { .. }
            | Self::CallsRequested { .. }
            | Self::CallDelegated { .. }
            | Self::DelegateEnded { .. }
            | Self::CallEdited { .. }
            | Self::EffectStarted { .. }
            | Self::CallSettled { .. }
            | Self::LimitReached { .. }
            | Self::Paused { .. }
            | Self::Resumed {}
            | Self::Recovered { .. }
            | Self::SetAside {}
            | Self::CancelRequested { .. }
            | Self::Succeeded { .. }
            | Self::Failed { .. }
            | Self::Cancelled { .. } => None,
        }
    }

    /// Whether it may have been written for another run than that of the worker who wrote it, or asks for one.
    pub fn concerns_another(&self) -> bool {
        matches!(
            self,
            Self::CallDelegated { .. } | Self::DelegateEnded { .. } | Self::CancelRequested { .. } | Self::Resumed {}
        )
    }
}

impl KindEvent for RunEvent {
    fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "run.started",
            Self::PlanAdopted { .. } => "run.plan_adopted",
            Self::StepMarked { .. } => "run.step_marked",
            Self::TurnStarted { .. } => "run.turn_started",
            Self::TurnFinished { .. } => "run.turn_finished",
            Self::TurnFailed { .. } => "run.turn_failed",
            Self::CallsRequested { .. } => "run.calls_requested",
            Self::CallParked { .. } => "run.call_parked",
            Self::CallDelegated { .. } => "run.call_delegated",
            Self::DelegateEnded { .. } => "run.delegate_ended",
            Self::CallEdited { .. } => "run.call_edited",
            Self::EffectStarted { .. } => "run.effect_started",
            Self::EffectInDoubt { .. } => "run.effect_in_doubt",
            Self::CallSettled { .. } => "run.call_settled",
            Self::LimitReached { .. } => "run.limit_reached",
            Self::Paused { .. } => "run.paused",
            Self::Resumed { .. } => "run.resumed",
            Self::SetAside {} => "run.set_aside",
            Self::Recovered { .. } => "run.recovered",
            Self::CancelRequested { .. } => "run.cancel_requested",
            Self::Succeeded { .. } => "run.succeeded",
            Self::Failed { .. } => "run.failed",
            Self::Cancelled { .. } => "run.cancelled",
        }
    }

    fn output(&self) -> Option<&BlobId> {
        let Self::CallSettled { result, .. } = self else { return None };
        result.output.blob.as_ref()
    }

    /// All else is written by the worker itself, and asks for no other run.
    fn wakes(&self) -> bool {
        matches!(self, Self::Started { .. }) || self.concerns_another()
    }

    /// What people do to runs the audit tells by their decisions.
    fn is_audited(&self) -> bool {
        false
    }

    fn spent(&self) -> Option<&ModelReply> {
        let Self::TurnFinished { reply, .. } = self else { return None };
        Some(reply)
    }

    fn ends(&self) -> bool {
        matches!(self, Self::Succeeded { .. } | Self::Failed { .. } | Self::Cancelled { .. })
    }

    fn look(&self) -> Look {
        match self {
            Self::Succeeded { .. } => Look::Good,
            Self::Failed { .. } | Self::TurnFailed { .. } => Look::Bad,
            Self::CallSettled { result, .. } if !result.succeeded() => Look::Bad,
            Self::CallParked { .. } | Self::EffectInDoubt { .. } => Look::Waiting,
            Self::LimitReached { .. }
            | Self::Paused { .. }
            | Self::CancelRequested { .. }
            | Self::SetAside {}
            | Self::Recovered { .. }
            | Self::CallEdited { .. }
            | Self::Cancelled { .. } => Look::Warning,
            Self::DelegateEnded { state, .. } if *state != RunState::Succeeded => Look::Bad,
            Self::Started { .. } | Self::EffectStarted { .. } | Self::CallDelegated { .. } => Look::Notable,
            Self::PlanAdopted { .. }
            | Self::StepMarked { .. }
            | Self::TurnStarted { .. }
            | Self::TurnFinished { .. }
            | Self::CallsRequested { .. }
            | Self::DelegateEnded { .. }
            | Self::CallSettled { .. }
            | Self::Resumed {} => Look::Plain,
        }
    }
}
