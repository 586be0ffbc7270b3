//! Starting a run.

use super::in_run;
use crate::domain::{Actor, Plan, PlanStep, Rejection, RejectionKind, RunId, RunSpec, StepNo, Untrusted};
use crate::kinds::{Decided, RunEvent, World};

/// A run begins once: asking again with the same id changes nothing.
pub(in crate::kinds::run) fn start(
    world: &dyn World,
    run: RunId,
    spec: RunSpec,
    by: &Actor,
) -> Result<Vec<Decided>, Rejection> {
    if world.runs().contains_key(&run) {
        return Ok(Vec::new());
    }
    if spec.goal.raw().trim().is_empty() {
        return Err(Rejection::new(RejectionKind::Invalid, "a run needs a goal").hint("say what should be done"));
    }
    let plan = plan_of_procedure(&spec);
    if let Some(problem) = plan.as_ref().and_then(Plan::problem) {
        return Err(Rejection::new(RejectionKind::Invalid, format!("procedure {}: {problem}", spec.agent)));
    }
    let mut events = vec![in_run(run, by, RunEvent::Started { spec: Box::new(spec) })];
    events.extend(plan.map(|plan| in_run(run, by, RunEvent::PlanAdopted { plan })));
    Ok(events)
}

fn plan_of_procedure(spec: &RunSpec) -> Option<Plan> {
    let number = |index: usize| StepNo(index as u32 + 1);
    let steps: Vec<_> = spec
        .procedure
        .iter()
        .enumerate()
        .map(|(index, step)| PlanStep {
            step: number(index),
            action: step.title.as_str().into(),
            tool: Some(step.act.tool.0.clone()),
            success: Untrusted::default(),
            fallback: Untrusted::default(),
            after: index.checked_sub(1).map(number).into_iter().collect(),
        })
        .collect();
    (!steps.is_empty()).then_some(Plan { steps })
}
