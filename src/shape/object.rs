//! The objects that `--json` and the HTTP API print. Their field names are kept across releases.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::domain::{
    ApprovalId, ApprovalState, Ask, CallEdit, CallNo, CardDigest, EffectCard, Environment, PlanStep, Risk, RunId,
    RunState, StepState, Timestamp, Workspace,
};
use crate::fold::{CallEntry, CallStatus, Thread};
use crate::kinds::{Approval, Run};
use crate::ports::{Head, Offer, VerifyReport};

/// A run, as lists and followers print it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunShape<'a> {
    id: RunId,
    goal: &'a str,
    agent: &'a str,
    state: RunState,
    /// Steps of its plan.
    steps: u32,
    /// Dollars as an exact decimal; `null` when the price of some turn is not known.
    cost_usd: Option<String>,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
}

impl<'a> RunShape<'a> {
    pub fn of(run: &'a Run) -> Self {
        Self {
            id: run.id,
            goal: run.goal.raw(),
            agent: &run.agent,
            state: run.state,
            steps: run.steps,
            cost_usd: (run.unpriced_turns == 0).then(|| run.cost.to_string()),
            started_at: run.started_at,
            ended_at: run.ended_at,
        }
    }
}

/// A run with its history: the fields of [`RunShape`] and more.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunDetail<'a> {
    #[serde(flatten)]
    run: RunShape<'a>,
    /// Why it is paused, or how it ended.
    note: &'a str,
    hint: &'a str,
    workspace: Option<&'a Workspace>,
    turns: u32,
    tokens: u64,
    waits_for: Vec<ApprovalId>,
    plan: Vec<StepShape<'a>>,
    calls: Vec<CallShape<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct StepShape<'a> {
    step: u32,
    action: &'a str,
    state: StepState,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CallShape<'a> {
    call: CallNo,
    tool: &'a str,
    args: &'a Value,
    state: &'static str,
    attempts: u32,
    approval: Option<ApprovalId>,
    summary: Option<&'a str>,
    started_at: Option<Timestamp>,
    settled_at: Option<Timestamp>,
}

impl<'a> RunDetail<'a> {
    pub fn of(run: &'a Run, thread: Option<&'a Thread>) -> Self {
        let steps =
            thread.and_then(|thread| thread.plan.as_ref()).map(|plan| plan.steps.as_slice()).unwrap_or_default();
        let state =
            |step: &PlanStep| thread.and_then(|thread| thread.step_states.get(&step.step)).copied().unwrap_or_default();
        Self {
            run: RunShape::of(run),
            note: run.note.raw(),
            hint: &run.hint,
            workspace: run.workspace.as_ref(),
            turns: run.turns,
            tokens: run.tokens,
            waits_for: run.awaited().collect(),
            plan: steps
                .iter()
                .map(|step| StepShape { step: step.step.0, action: step.action.raw(), state: state(step) })
                .collect(),
            calls: thread.into_iter().flat_map(|thread| thread.calls.values()).map(CallShape::of).collect(),
        }
    }
}

impl<'a> CallShape<'a> {
    fn of(entry: &'a CallEntry) -> Self {
        let (state, summary) = match &entry.status {
            CallStatus::Requested => ("requested", None),
            CallStatus::Parked => ("waiting", None),
            CallStatus::Running => ("running", None),
            CallStatus::InDoubt => ("in_doubt", None),
            CallStatus::Settled(result) if result.succeeded() => ("succeeded", Some(result.summary.raw())),
            CallStatus::Settled(result) => ("failed", Some(result.summary.raw())),
        };
        Self {
            call: entry.call.call,
            tool: &entry.call.tool.0,
            args: &entry.call.args,
            state,
            attempts: entry.attempts,
            approval: entry.approval,
            summary,
            started_at: entry.started_at,
            settled_at: entry.settled_at,
        }
    }
}

/// A request to a person, as lists and followers print it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ApprovalShape<'a> {
    id: ApprovalId,
    run: RunId,
    tool: &'a str,
    verb: &'a str,
    /// What it happens to; for a question its text.
    targets: Vec<&'a str>,
    /// This and the next two are `null` for a question.
    environment: Option<Environment>,
    risk: Option<Risk>,
    reversible: Option<bool>,
    digest: &'a CardDigest,
    state: ApprovalState,
    requested_at: Timestamp,
    expires_at: Option<Timestamp>,
    decided_by: Option<&'a str>,
    /// What was said with the decision: of a denial its reason, of an answer the answer.
    reason: Option<&'a str>,
}

impl<'a> ApprovalShape<'a> {
    pub fn of(approval: &'a Approval) -> Self {
        let card = approval.ask.card();
        let targets = match &approval.ask {
            Ask::Question { text, .. } => vec![text.raw()],
            Ask::Effect { card } | Ask::InDoubt { card, .. } => {
                card.targets.iter().map(|target| target.raw()).collect()
            }
        };
        Self {
            id: approval.id,
            run: approval.run,
            tool: &approval.tool.0,
            verb: card.map_or("ask", |card| card.verb.as_str()),
            targets,
            environment: card.map(|card| card.environment),
            risk: card.map(|card| card.risk),
            reversible: card.map(|card| card.reversible.is_reversible()),
            digest: &approval.digest,
            state: approval.state,
            requested_at: approval.requested_at,
            expires_at: approval.expires_at,
            decided_by: approval.decided_by.as_ref().map(|by| by.name()),
            reason: Some(approval.words.raw()).filter(|words| !words.is_empty()),
        }
    }
}

/// A request with everything on its card: the fields of [`ApprovalShape`] and more.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ApprovalDetail<'a> {
    #[serde(flatten)]
    approval: ApprovalShape<'a>,
    call: CallNo,
    rule: &'a str,
    rule_reason: &'a str,
    /// The agent's own words.
    rationale: &'a str,
    /// Files that leave with it and that the agent never mentioned.
    not_mentioned: Vec<&'a str>,
    card: Option<&'a EffectCard>,
    choices: Vec<&'a str>,
    /// What a person changed before it was asked like this; `null` when nobody did.
    edit: Option<EditShape<'a>>,
}

/// A change of a call that an agent had asked for.
#[derive(Debug, Serialize, JsonSchema)]
struct EditShape<'a> {
    by: &'a str,
    /// The request that was changed.
    request: ApprovalId,
    /// The arguments as the agent gave them.
    asked: &'a Value,
    /// The arguments that hold since.
    arguments: &'a Value,
}

impl<'a> EditShape<'a> {
    fn of(edit: &'a CallEdit) -> Self {
        Self { by: edit.by.name(), request: edit.request, asked: &edit.asked, arguments: &edit.args }
    }
}

impl<'a> ApprovalDetail<'a> {
    pub fn of(approval: &'a Approval) -> Self {
        let choices = match &approval.ask {
            Ask::Question { choices, .. } => choices.iter().map(|choice| choice.raw()).collect(),
            Ask::Effect { .. } | Ask::InDoubt { .. } => Vec::new(),
        };
        Self {
            approval: ApprovalShape::of(approval),
            call: approval.call,
            rule: &approval.rule,
            rule_reason: &approval.reason,
            rationale: approval.rationale.raw(),
            not_mentioned: approval.not_mentioned.iter().map(|file| file.raw()).collect(),
            card: approval.ask.card(),
            choices,
            edit: approval.edit.as_deref().map(EditShape::of),
        }
    }
}

/// An agent or a procedure with what it is told: the fields of [`Offer`] and its text.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OfferDetail<'a> {
    #[serde(flatten)]
    offer: &'a Offer,
    text: &'a str,
}

impl<'a> OfferDetail<'a> {
    pub fn of(offer: &'a Offer) -> Self {
        Self { offer, text: &offer.text }
    }
}

/// Whether the log is what was written.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Verification<'a> {
    intact: bool,
    /// Events of the chain, pruned ones too.
    events: u64,
    /// Those of which only place and hashes are left.
    pruned: u64,
    head: &'a Head,
    /// The saved heads it was compared with.
    checked: &'a [Head],
    /// What is wrong, the lowest `seq` first.
    problems: &'a [String],
    /// Rows that lists are read from and that are not what the log says; not looked at unless the log is sound.
    rows: &'a [String],
    /// Outputs that are not what was stored, or are missing though an event names them; looked at by the command only,
    /// and not unless the log is sound.
    outputs: &'a [String],
}

impl<'a> Verification<'a> {
    pub fn of(report: &'a VerifyReport, rows: &'a [String], outputs: &'a [String]) -> Self {
        let VerifyReport { events, pruned, head, checked, problems } = report;
        let intact = problems.is_empty() && rows.is_empty() && outputs.is_empty();
        Self { intact, events: *events, pruned: *pruned, head, checked, problems, rows, outputs }
    }
}
