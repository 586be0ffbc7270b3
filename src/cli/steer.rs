//! `morningai cancel`, `pause` and `resume`: stopping a run for good or for now, and letting it go on.

use super::carry_args::CarryOptions;
use super::context::{Context, Form};
use super::decide::{Decided, GoesOn};
use super::exit::Exit;
use super::failure::Failure;
use super::host::Part;
use super::{decide, find};
use crate::domain::RunState;
use crate::fold::Snapshot;
use crate::kinds::{Command, Run, RunVerb};
use crate::ports::Client;
use crate::shape::RunShape;

pub async fn cancel(context: Context<'_>, given: &str, reason: String, carry: CarryOptions) -> Result<Exit, Failure> {
    let reason = match reason.is_empty() {
        true => format!("cancelled by {}", context.host.person().name()),
        false => reason,
    };
    // All that is left to do is to look at what was under way and to clear up, which is soon done.
    let carry = CarryOptions { until_waiting: !carry.detach, ..carry };
    steer(context, given, |run| Some(RunVerb::Cancel { reason }.on(run.id)), carry).await
}

pub async fn pause(context: Context<'_>, given: &str) -> Result<Exit, Failure> {
    let carry = CarryOptions { until_waiting: false, detach: true };
    steer(context, given, |run| Some(RunVerb::Pause.on(run.id)), carry).await
}

/// A run that is not paused goes on anyhow; then all there is to say is who works on it.
pub async fn resume(context: Context<'_>, given: &str, carry: CarryOptions) -> Result<Exit, Failure> {
    let command = |run: &Run| (run.state == RunState::Paused).then_some(RunVerb::Resume.on(run.id));
    steer(context, given, command, carry).await
}

async fn steer(
    mut context: Context<'_>,
    given: &str,
    command: impl FnOnce(&Run) -> Option<Command>,
    carry: CarryOptions,
) -> Result<Exit, Failure> {
    let session = context.host.session(Part::Clerk).await?;
    let steered = record(&mut context, session.client(), given, command).await;
    let next = match &steered {
        // What was under way when its process was lost must be looked at before a run that is cancelled can end.
        Ok((run, decided)) if !run.state.is_final() && !carry.detach => {
            decided.who_goes_on(run.id, session.client()).await
        }
        Ok(_) | Err(_) => GoesOn::ByOthers,
    };
    session.close().await;
    let (run, _) = steered?;
    decide::go_on(&mut context, next, run.id, carry).await.map(|()| Exit::Done)
}

async fn record(
    context: &mut Context<'_>,
    client: &dyn Client,
    given: &str,
    command: impl FnOnce(&Run) -> Option<Command>,
) -> Result<(Run, Decided), Failure> {
    let (snapshot, feed) = client.open().await?;
    let run = find::run(client, &snapshot, given).await?;
    if run.state.is_final() {
        return Err(Failure::failed(format!("run {} has already {}", run.id.short(), run.state)));
    }
    let mut after = Snapshot { cursor: snapshot.cursor, ..Snapshot::default() };
    after.runs.insert(run.id, run.clone());
    if let Some(command) = command(&run) {
        let committed = client.submit(command, context.host.person()).await?;
        committed.iter().for_each(|envelope| drop(after.apply(envelope)));
    }
    let decided = Decided::new(feed, after.cursor);
    let run = after.runs.remove(&run.id).unwrap_or(run);
    match context.form {
        Form::Json => context.output.json(&RunShape::of(&run))?,
        Form::Text => context.output.line(&sentence(&run))?,
    }
    Ok((run, decided))
}

fn sentence(run: &Run) -> String {
    let state = if run.cancelling.is_some() && !run.state.is_final() { "being cancelled" } else { run.state.name() };
    format!("run {} is {state}: {}", run.id, run.goal.visible())
}
