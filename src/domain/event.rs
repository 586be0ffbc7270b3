//! Everything that can have happened, in the past tense. The log holds these and nothing else.

use std::fmt;
use std::str::FromStr;

use chrono::DateTime;
use chrono::Utc;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use super::access_event::AccessEvent;
use super::actor::Actor;
use super::approval::Ask;
use super::approval::CallEdit;
use super::approval::Settlement;
use super::card::CardDigest;
use super::card::EffectCard;
use super::ids::AccountId;
use super::ids::ApprovalId;
use super::ids::CallNo;
use super::ids::RunId;
use super::ids::StepNo;
use super::ids::SubjectId;
use super::limits::LimitKind;
use super::model::ModelFailure;
use super::model::ModelReply;
use super::plan::Plan;
use super::plan::StepState;
use super::rejection::Rejection;
use super::rejection::RejectionKind;
use super::run::PurposeOfTurn;
use super::run::RunSpec;
use super::text::Untrusted;
use super::tool::Repeat;
use super::tool::ToolCall;
use super::tool::ToolName;
use super::tool::ToolResult;

/// UTC, in whole microseconds: what both stores keep.
pub type Timestamp = DateTime<Utc>;

/// The unit of ordering: one run's events, one approval's, or one account's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    Run(RunId),
    Approval(ApprovalId),
    Account(AccountId),
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(id) => write!(f, "run:{id}"),
            Self::Approval(id) => write!(f, "approval:{id}"),
            Self::Account(id) => write!(f, "account:{id}"),
        }
    }
}

impl FromStr for Stream {
    type Err = Rejection;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = match text.split_once(':') {
            Some(("run", id)) => id.parse().ok().map(Self::Run),
            Some(("approval", id)) => id.parse().ok().map(Self::Approval),
            Some(("account", id)) => id.parse().ok().map(Self::Account),
            _ => None,
        };
        parsed.ok_or_else(|| Rejection::new(RejectionKind::Invalid, format!("not a stream name: {text:?}")))
    }
}

impl Serialize for Stream {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stream {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// An event with its place in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Place in the tenant's log: dense, from 1.
    pub seq: u64,
    pub stream: Stream,
    /// Place in the stream: dense, from 1.
    pub version: u64,
    pub at: Timestamp,
    pub by: Actor,
    pub event: Event,
}

/// What happened, by the kind of stream it happened in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Event {
    Run(RunEvent),
    Approval(ApprovalEvent),
    Access(AccessEvent),
    Erased(ErasedEvent),
}

/// What is left of an event whose subject was erased: that it happened, when, and what it cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum ErasedEvent {
    #[serde(rename = "erased")]
    Erased {
        /// The name of what it was, as in the log: `run.started`.
        was: String,
        subject: SubjectId,
        /// Of a model's answer, the model, its usage and price, and nothing that was said: days keep what they cost.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spent: Option<Box<ModelReply>>,
    },
}

/// Who let an effect start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// A policy rule, by its id.
    Rule(String),
    /// A person's decision.
    Approval(ApprovalId),
}

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
    Paused { reason: String },
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
    Failed { reason: Untrusted, hint: String },
    #[serde(rename = "run.cancelled")]
    Cancelled { reason: String },
}

/// What happened to a request to a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum ApprovalEvent {
    #[serde(rename = "approval.requested")]
    Requested {
        run: RunId,
        call: CallNo,
        tool: ToolName,
        ask: Box<Ask>,
        digest: CardDigest,
        /// The policy rule that asked, and its reason.
        rule: String,
        reason: String,
        /// The agent's own words before the call; shown below the card, labelled as the agent's.
        #[serde(default, skip_serializing_if = "Untrusted::is_empty")]
        rationale: Untrusted,
        /// `None`: it waits for ever.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        /// Set when a person changed the call before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edit: Option<Box<CallEdit>>,
    },
    #[serde(rename = "approval.approved")]
    Approved { digest: CardDigest },
    #[serde(rename = "approval.denied")]
    Denied { reason: Untrusted },
    /// It will not be decided as it stands: the call is asked for again with these arguments.
    #[serde(rename = "approval.edited")]
    Edited { digest: CardDigest, args: Value },
    #[serde(rename = "approval.answered")]
    Answered { text: Untrusted },
    #[serde(rename = "approval.settled")]
    Settled { settlement: Settlement, note: Untrusted },
    #[serde(rename = "approval.expired")]
    Expired {},
    #[serde(rename = "approval.withdrawn")]
    Withdrawn { reason: String },
    /// What would run has changed since; `by` asks again.
    #[serde(rename = "approval.superseded")]
    Superseded { by: ApprovalId },
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
}

impl Event {
    /// The name it has in the log and in `log tail`: `run.started`, `approval.denied`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Run(event) => match event {
                RunEvent::Started { .. } => "run.started",
                RunEvent::PlanAdopted { .. } => "run.plan_adopted",
                RunEvent::StepMarked { .. } => "run.step_marked",
                RunEvent::TurnStarted { .. } => "run.turn_started",
                RunEvent::TurnFinished { .. } => "run.turn_finished",
                RunEvent::TurnFailed { .. } => "run.turn_failed",
                RunEvent::CallsRequested { .. } => "run.calls_requested",
                RunEvent::CallParked { .. } => "run.call_parked",
                RunEvent::CallEdited { .. } => "run.call_edited",
                RunEvent::EffectStarted { .. } => "run.effect_started",
                RunEvent::EffectInDoubt { .. } => "run.effect_in_doubt",
                RunEvent::CallSettled { .. } => "run.call_settled",
                RunEvent::LimitReached { .. } => "run.limit_reached",
                RunEvent::Paused { .. } => "run.paused",
                RunEvent::Resumed { .. } => "run.resumed",
                RunEvent::SetAside {} => "run.set_aside",
                RunEvent::Recovered { .. } => "run.recovered",
                RunEvent::CancelRequested { .. } => "run.cancel_requested",
                RunEvent::Succeeded { .. } => "run.succeeded",
                RunEvent::Failed { .. } => "run.failed",
                RunEvent::Cancelled { .. } => "run.cancelled",
            },
            Self::Approval(event) => match event {
                ApprovalEvent::Requested { .. } => "approval.requested",
                ApprovalEvent::Approved { .. } => "approval.approved",
                ApprovalEvent::Denied { .. } => "approval.denied",
                ApprovalEvent::Edited { .. } => "approval.edited",
                ApprovalEvent::Answered { .. } => "approval.answered",
                ApprovalEvent::Settled { .. } => "approval.settled",
                ApprovalEvent::Expired { .. } => "approval.expired",
                ApprovalEvent::Withdrawn { .. } => "approval.withdrawn",
                ApprovalEvent::Superseded { .. } => "approval.superseded",
            },
            Self::Access(event) => event.kind(),
            Self::Erased(ErasedEvent::Erased { .. }) => "erased",
        }
    }
}
