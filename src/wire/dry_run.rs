//! What a procedure would do, found out by preparing each of its calls. Nothing is performed.

use std::collections::BTreeMap;

use super::{Wire, launch, runbooks};
use crate::cli::{Failure, Linted, Order, Uncommitted, Work};
use crate::config::{Missing, Procedure};
use crate::domain::{Condition, RunId, RunSpec, StepCall, StepPart, ToolResult, Untrusted, Verdict};
use crate::ports::{Caller, Prepared, ToolContext};
use crate::runtime::judged;
use crate::shape::{DryRunCall, DryRunOutcome};

/// What is wrong with each of these runbooks, files or names; of all where none is named.
pub(super) fn lint(wire: &Wire, named: &[String]) -> Result<Vec<Linted>, Failure> {
    let (procedures, agents) = (wire.procedures(), wire.agents());
    let lint_one = |procedure: &Procedure| runbooks::lint(&wire.toolbox, &agents, procedure).err();
    let mut found = Vec::new();
    if named.is_empty() {
        let broken = procedures.broken();
        found.extend(broken.map(|(name, faults)| Linted { name: name.to_owned(), faults: Some(faults.clone()) }));
        for (name, procedure) in procedures.iter() {
            found.push(Linted { name: name.to_owned(), faults: lint_one(procedure) });
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
    }
    for name in named {
        let faults = match launch::look_up(wire, name) {
            Ok(procedure) => lint_one(&procedure),
            Err(Missing::Broken(faults)) => Some(faults),
            Err(missing @ Missing::Unknown { .. }) => return Err(launch::missing(missing)),
        };
        found.push(Linted { name: name.clone(), faults });
    }
    Ok(found)
}

/// All calls that it may make, in order.
pub(super) async fn dry_run(
    wire: &Wire,
    procedure: &str,
    inputs: BTreeMap<String, Untrusted>,
) -> Result<Vec<DryRunCall>, Failure> {
    let run = RunId(uuid::Uuid::now_v7());
    let work = Work::Procedure(procedure.to_owned());
    let order = Order { run, work, workspace: None, uncommitted: Uncommitted::LeaveBehind };
    let spec = launch::prepare(wire, order).await?;
    let spec = RunSpec { inputs, ..spec };
    let context = ToolContext {
        run,
        agent: spec.agent.clone(),
        caller: Caller::Procedure,
        workspace: spec.workspace.clone(),
        inputs: spec.inputs.clone(),
    };
    let mut calls = Vec::new();
    for (index, step) in spec.procedure.iter().enumerate() {
        for (part, call) in step.calls() {
            let (outcome, what, rule, reason) = look(wire, &spec, &context, call).await;
            calls.push(DryRunCall {
                step: index as u32 + 1,
                title: step.title.clone(),
                part: if matches!(step.when, Some(Condition::Unless(_))) && part == StepPart::When {
                    "unless"
                } else {
                    part.name()
                },
                tool: call.tool.0.clone(),
                outcome,
                what,
                rule,
                reason,
            });
        }
    }
    launch::discard(&spec).await;
    Ok(calls)
}

type Look = (DryRunOutcome, Untrusted, String, String);

async fn look(wire: &Wire, spec: &RunSpec, context: &ToolContext, call: &StepCall) -> Look {
    let nothing = |outcome, summary: Untrusted| (outcome, summary, String::new(), String::new());
    let Some(tool) = wire.toolbox.get(&call.tool) else {
        return nothing(DryRunOutcome::Wrong, wire.toolbox.unknown(&call.tool).summary);
    };
    if let Some(problem) = tool.spec().misfit(&call.args) {
        return nothing(DryRunOutcome::Wrong, problem.into());
    }
    match tool.prepare(context, &call.args).await {
        Ok(Prepared::Effect(mut card)) => {
            let targets: Vec<_> = card.targets.iter().map(Untrusted::raw).collect();
            let what = Untrusted::new(format!("{} {}", card.verb, targets.join(", ")).trim_end().to_owned());
            let verdict = judged(wire.judge.as_ref(), spec, &mut card);
            match verdict {
                Verdict::Run { rule, .. } if call.needs_approval => {
                    let reason = "the procedure wants this step approved".to_owned();
                    (DryRunOutcome::Asks, what, rule, reason)
                }
                Verdict::Run { rule, reason } => (DryRunOutcome::Runs, what, rule, reason),
                Verdict::Ask { rule, reason, .. } => (DryRunOutcome::Asks, what, rule, reason),
                Verdict::Refuse { rule, reason } => (DryRunOutcome::Refused, what, rule, reason),
            }
        }
        Ok(Prepared::Question { text, .. }) => nothing(DryRunOutcome::Asks, text),
        Ok(Prepared::Delegate { agent, goal }) => {
            nothing(DryRunOutcome::Runs, format!("agent {agent}: {}", goal.raw()).into())
        }
        Ok(Prepared::Finish { summary, .. }) => nothing(DryRunOutcome::Runs, summary),
        Ok(Prepared::Mark { .. }) => nothing(DryRunOutcome::Runs, Untrusted::default()),
        Err(ToolResult { summary, .. }) => nothing(DryRunOutcome::Unknown, summary),
    }
}
