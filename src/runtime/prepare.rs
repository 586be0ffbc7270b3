//! Dry runs and judgement: resolves calls to cards and asks the policy about them. Changes nothing.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use super::core::Core;
use crate::domain::{
    ApprovalId, EffectCard, EffectClass, FailureKind, ProcedureStep, RunId, RunSpec, ToolCall, ToolResult, Verdict,
};
use crate::engine;
use crate::kinds::{CallPreparation, PreparedCall};
use crate::ports::{Caller, Judge, Prepared, ToolContext};

/// How the names of inputs begin that are labels of an alert, which may have been written by anybody.
const LABELS: &str = "LABEL_";
/// The fact that a run has some.
const FROM_ALERT: &str = "from_alert";

/// Prepares calls in order, up to and including the first that does more than read: what comes after that one is
/// prepared once it is settled, against what it left behind.
pub(super) async fn prepare_in_order(core: &Core, run: RunId, calls: Vec<ToolCall>) -> Vec<PreparedCall> {
    let mut prepared = Vec::with_capacity(calls.len());
    for call in calls {
        let preparation = prepare(core, run, &call).await;
        let more = matches!(&preparation, CallPreparation::Judged { card, .. } if card.class == EffectClass::Observe)
            || matches!(preparation, CallPreparation::Mark { .. } | CallPreparation::Invalid { .. });
        prepared.push(PreparedCall { call: call.call, approval: ApprovalId(uuid::Uuid::now_v7()), preparation });
        if !more {
            break;
        }
    }
    prepared
}

/// What a call would do, and what the policy says of it.
pub(super) async fn prepare(core: &Core, run: RunId, call: &ToolCall) -> CallPreparation {
    let Some(context) = context(core, run) else {
        return invalid("the run is gone".to_owned());
    };
    let Some(spec) = core.staging().threads.get(&run).map(|thread| thread.spec.clone()) else {
        return invalid("the run is not being worked on".to_owned());
    };
    let mut of_procedure = spec.procedure.iter().flat_map(ProcedureStep::calls).map(|(_, planned)| &planned.tool);
    let allowed = spec.tools.contains(&call.tool) || of_procedure.any(|tool| *tool == call.tool);
    let Some(tool) = core.tools.get(&call.tool).filter(|_| allowed) else {
        return invalid(no_such_tool(core, run, call));
    };
    let Ok(prepared) = AssertUnwindSafe(tool.prepare(&context, &call.args)).catch_unwind().await else {
        return invalid("the tool ended unexpectedly in its dry run; this is a defect of it".to_owned());
    };
    let mut preparation = match prepared {
        Ok(Prepared::Effect(mut card)) => {
            let verdict = judged(core.judge.as_ref(), &spec, &mut card);
            CallPreparation::Judged { card, verdict }
        }
        Ok(Prepared::Question { text, choices }) => CallPreparation::Question { text, choices },
        Ok(Prepared::Delegate { agent, goal }) => CallPreparation::Delegate { agent, goal },
        Ok(Prepared::Finish { summary, outcome }) => CallPreparation::Finish { summary, outcome },
        Ok(Prepared::Mark { step, state }) => CallPreparation::Mark { step, state },
        Err(result) => CallPreparation::Invalid { result },
    };
    // Before the digest is taken, so that what is stored is what was approved.
    core.redactor.preparation(&mut preparation);
    preparation
}

/// The verdict on a card, which says for the policy whether its run began with the text of an alert.
pub fn judged(judge: &dyn Judge, spec: &RunSpec, card: &mut EffectCard) -> Verdict {
    if spec.inputs.keys().any(|name| name.starts_with(LABELS)) {
        card.facts.insert(FROM_ALERT.to_owned(), true.into());
    }
    confined_enough(spec, card).unwrap_or_else(|| judge.judge(spec, card))
}

/// A refusal where programs run on another rung here than the run was started with.
fn confined_enough(spec: &RunSpec, card: &EffectCard) -> Option<Verdict> {
    let refused = !spec.rungs.allows(&card.confinement);
    refused.then(|| Verdict::Refuse {
        rule: "sandbox-of-the-run".to_owned(),
        reason: format!("the run was not started for programs confined by {} as they are here", card.confinement),
    })
}

/// Where the run's calls happen.
pub(super) fn context(core: &Core, run: RunId) -> Option<ToolContext> {
    let staging = core.staging();
    let row = staging.runs.get(&run)?;
    let thread = staging.threads.get(&run);
    let mut inputs = thread.map(|thread| thread.spec.inputs.clone()).unwrap_or_default();
    if let Some(answer) = thread.filter(|_| row.is_procedure).and_then(|thread| engine::last_answer(thread)) {
        inputs.insert("ANSWER".to_owned(), answer.into());
    }
    let caller = if row.is_procedure { Caller::Procedure } else { Caller::Agent };
    Some(ToolContext { run, agent: row.agent.clone(), caller, workspace: row.workspace.clone(), inputs })
}

fn invalid(summary: String) -> CallPreparation {
    CallPreparation::Invalid { result: ToolResult::failure(FailureKind::BadCall, summary) }
}

fn no_such_tool(core: &Core, run: RunId, call: &ToolCall) -> String {
    let staging = core.staging();
    let names = staging
        .threads
        .get(&run)
        .map(|thread| thread.spec.tools.iter().map(|tool| tool.0.as_str()).collect::<Vec<_>>().join(", "));
    format!("there is no tool {:?}; this agent's tools are: {}", call.tool.0, names.unwrap_or_default())
}
