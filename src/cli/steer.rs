//! `morningai cancel` and `pause`: stopping a run for good, or for now.

use super::Context;
use super::Form;
use super::decide;
use super::exit::Exit;
use super::failure::Failure;
use super::find;
use super::host::Part;
use crate::domain::Command;
use crate::fold::Run;
use crate::fold::Snapshot;
use crate::ports::Client;
use crate::shape::RunShape;

pub async fn cancel(mut context: Context<'_>, given: &str, reason: String) -> Result<Exit, Failure> {
    let reason = match reason.is_empty() {
        true => format!("cancelled by {}", context.host.person().name()),
        false => reason,
    };
    let run = steer(&mut context, given, |run| Command::Cancel { run: run.id, reason }).await?;
    // What was under way when its process was lost must be looked at before the run can end.
    if !run.state.is_final() && run.is_busy() {
        decide::carry_on(&mut context, run.id).await?;
    }
    Ok(Exit::Done)
}

pub async fn pause(mut context: Context<'_>, given: &str) -> Result<Exit, Failure> {
    steer(&mut context, given, |run| Command::Pause { run: run.id }).await.map(|_| Exit::Done)
}

async fn steer(context: &mut Context<'_>, given: &str, command: impl FnOnce(&Run) -> Command) -> Result<Run, Failure> {
    let session = context.host.session(Part::Clerk).await?;
    let steered = submit(context, session.client(), given, command).await;
    session.close().await;
    let run = steered?;
    match context.form {
        Form::Json => context.output.json(&RunShape::of(&run))?,
        Form::Text => context.output.line(&sentence(&run))?,
    }
    Ok(run)
}

async fn submit(
    context: &Context<'_>,
    client: &dyn Client,
    given: &str,
    command: impl FnOnce(&Run) -> Command,
) -> Result<Run, Failure> {
    let (snapshot, _) = client.open().await?;
    let run = find::run(client, &snapshot, given).await?;
    let mut after = Snapshot::default();
    after.runs.insert(run.id, run.clone());
    for envelope in client.submit(command(&run), context.host.person()).await? {
        after.apply(&envelope);
    }
    Ok(after.runs.remove(&run.id).unwrap_or(run))
}

fn sentence(run: &Run) -> String {
    let state = if run.cancelling.is_some() && !run.state.is_final() { "being cancelled" } else { run.state.name() };
    format!("run {} is {state}: {}", run.id, run.goal.visible())
}
