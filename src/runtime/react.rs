//! Starting the runs that things want. A wish has one run, however many processes see it: its id follows from the wish,
//! and the worker that prepares it holds the run's lease.

use chrono::TimeDelta;

use super::core::Core;
use super::tenure::LEASE;
use crate::domain::{Actor, Rejection, RejectionKind, RunSpec};
use crate::kinds::{Handler, RunVerb, Stream, Wanted};
use crate::ports::{Order, Starter, Uncommitted, Work};

/// How long a run that this process cannot prepare is left to others before it has failed. A process may have no model,
/// or lack a file; the others look for runs that are wanted once a second, and try again every ten.
const LEFT_TO_OTHERS: TimeDelta = TimeDelta::seconds(60);

/// What came of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Started {
    /// The run is in the log.
    Yes,
    /// Somebody else is at it, or it could not be: it is to be tried again.
    NotYet,
}

pub(super) async fn start(core: &Core, starter: &dyn Starter, wanted: &Wanted) -> Started {
    let run = wanted.run();
    let Ok(Some(lease)) = core.log.claim(run, &core.owner, LEASE).await else { return Started::NotYet };
    let done = match core.log.read_stream(Stream::Run(run), 0, 1).await {
        Ok(events) if events.is_empty() => begin(core, starter, wanted).await,
        Ok(_) => Started::Yes,
        Err(_) => Started::NotYet,
    };
    // The worker of a run that has begun keeps it.
    if done == Started::NotYet {
        let _ = core.log.release(&lease).await;
    }
    done
}

async fn begin(core: &Core, starter: &dyn Starter, wanted: &Wanted) -> Started {
    let run = wanted.run();
    let name = wanted.procedure.clone();
    let work = match &wanted.handler {
        Handler::Procedure => Work::Procedure(name),
        Handler::Either(brief) => Work::Either { name, goal: brief.goal.clone() },
        Handler::Agent(brief) => Work::Goal { goal: brief.goal.clone(), agent: Some(name) },
    };
    let order = Order { run, work, workspace: None, uncommitted: Uncommitted::LeaveBehind };
    let spec = match starter.prepare(order).await {
        Ok(spec) => Box::new(told(wanted, spec)),
        Err(error) => {
            let (of, procedure) = (wanted.of, &wanted.procedure);
            tracing::warn!(%of, procedure, error = error.message, hint = error.hint, "a run that is wanted cannot start");
            if core.clock.now() - wanted.at >= LEFT_TO_OTHERS {
                give_up(core, wanted, &error.message).await;
            }
            return Started::NotYet;
        }
    };
    let command = RunVerb::StartWanted { of: wanted.of, spec: spec.clone() }.on(run);
    match core.commit(vec![(command, wanted.by.clone())], None).await {
        Ok(_) => Started::Yes,
        Err(rejection) => {
            starter.discard(&spec).await;
            refused(core, wanted, &rejection).await;
            Started::NotYet
        }
    }
}

async fn refused(core: &Core, wanted: &Wanted, rejection: &Rejection) {
    // What wanted it ended, or was paused, while it was prepared: nothing has failed.
    if rejection.kind == RejectionKind::AlreadySettled {
        return tracing::debug!(of = %wanted.of, reason = rejection.message, "a run was not started");
    }
    tracing::warn!(of = %wanted.of, error = rejection.message, "a run that is wanted was not started");
    // A plan that has no room for it has none in a moment either.
    if rejection.kind == RejectionKind::NotAllowed {
        give_up(core, wanted, &rejection.message).await;
    }
}

/// With what it is told; an agent is told more than the programs of a procedure.
fn told(wanted: &Wanted, spec: RunSpec) -> RunSpec {
    let mut spec = RunSpec { inputs: wanted.inputs.clone(), ..spec };
    if let Some(brief) = wanted.handler.brief().filter(|_| spec.procedure.is_empty()) {
        spec.inputs.extend(brief.told.clone());
        spec.limits.cost = brief.most_cost.map_or(spec.limits.cost, |most| most.min(spec.limits.cost));
    }
    spec
}

/// Tells what wants a run that it does not start, and why.
async fn give_up(core: &Core, wanted: &Wanted, reason: &str) {
    let given_up = core.committed().when_unstarted(wanted, reason);
    if let Some(command) = given_up
        && let Err(rejection) = core.commit(vec![(command, Actor::System)], None).await
    {
        tracing::debug!(of = %wanted.of, error = rejection.message, "that a run cannot start is not noted yet");
    }
}
