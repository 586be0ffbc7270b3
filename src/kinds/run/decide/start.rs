//! Starting a run.

use super::in_run;
use crate::domain::{
    Actor, Plan, PlanStep, Quota, Rejection, RejectionKind, RunId, RunSpec, StepNo, Timestamp, Untrusted,
};
use crate::kinds::{Decided, RunEvent, Stream, World};

/// A run begins once: asking again with the same id changes nothing.
pub(in crate::kinds::run) fn start(
    world: &dyn World,
    run: RunId,
    spec: RunSpec,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Decided>, Rejection> {
    if world.runs().contains_key(&run) {
        return Ok(Vec::new());
    }
    admit(world, &spec, by, now)?;
    begin(run, spec, by)
}

/// The run that a thing wants, where it still does: it may have ended, or been paused, while the run was prepared.
pub(in crate::kinds::run) fn start_wanted(
    world: &dyn World,
    run: RunId,
    of: Stream,
    spec: RunSpec,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Decided>, Rejection> {
    if world.runs().contains_key(&run) {
        return Ok(Vec::new());
    }
    if !world.wanted_by(of).iter().any(|wanted| wanted.run() == run) {
        let message = format!("run {} is not wanted any more: what wanted it has ended or is paused", run.short());
        return Err(Rejection::new(RejectionKind::AlreadySettled, message));
    }
    // A run that hands work to an agent was admitted with it: it is not to fail half way because others began since.
    if of.run().is_none() {
        admit(world, &spec, by, now)?;
    }
    begin(run, spec, by)
}

/// Whether the plan has room for it. What was begun is brought to its end: a silence that hides alerts is lifted,
/// whatever the plan has room for.
fn admit(world: &dyn World, spec: &RunSpec, by: &Actor, now: Timestamp) -> Result<(), Rejection> {
    let quota = spec.limits.quota.as_ref().filter(|_| *by != Actor::System);
    quota.map_or(Ok(()), |quota| check_quota(world, quota, now))
}

fn begin(run: RunId, mut spec: RunSpec, by: &Actor) -> Result<Vec<Decided>, Rejection> {
    if spec.goal.raw().trim().is_empty() {
        return Err(Rejection::new(RejectionKind::Invalid, "a run needs a goal").hint("say what should be done"));
    }
    let plan = plan_of_procedure(&spec);
    if let Some(problem) = plan.as_ref().and_then(Plan::problem) {
        return Err(Rejection::new(RejectionKind::Invalid, format!("procedure {}: {problem}", spec.agent)));
    }
    spec.limits.budgets.keep_for(&spec.agent, by);
    let mut events = vec![in_run(run, by, RunEvent::Started { spec: Box::new(spec) })];
    events.extend(plan.map(|plan| in_run(run, by, RunEvent::PlanAdopted { plan })));
    Ok(events)
}

/// Every append is decided on all that was appended before it, whichever process did: so exactly as many begin as may.
fn check_quota(world: &dyn World, quota: &Quota, now: Timestamp) -> Result<(), Rejection> {
    // Prepared in one month, and started in the next.
    let from = if now < quota.resets { quota.from } else { quota.resets.date_naive() };
    let begun = world.runs_since(from);
    if begun < quota.runs {
        return Ok(());
    }
    let message = format!(
        "the plan {} includes {} runs a month, and {begun} have begun; more can start from {} UTC",
        quota.plan,
        quota.runs,
        quota.resets.format("%Y-%m-%d %H:%M")
    );
    Err(Rejection::new(RejectionKind::NotAllowed, message).hint(quota.hint.as_str()))
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
