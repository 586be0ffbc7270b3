//! `morningai run` and `morningai resume`: setting a run going and following it.

use std::io::IsTerminal;

use super::Context;
use super::Form;
use super::args::RunOptions;
use super::exit::Exit;
use super::failure::Failure;
use super::find;
use super::follow;
use super::follow::Following;
use super::follow::Manner;
use super::follow::Progress;
use super::follow::Stop;
use super::follow::Voice;
use super::host::Order;
use super::host::Part;
use super::host::Uncommitted;
use super::host::Work;
use crate::domain::Command;
use crate::domain::RunId;
use crate::domain::RunState;

pub async fn run(mut context: Context<'_>, options: RunOptions) -> Result<Exit, Failure> {
    let work = match (options.runbook, options.goal) {
        (Some(procedure), _) => Work::Procedure(procedure),
        (None, Some(goal)) if !goal.trim().is_empty() => Work::Goal { goal, agent: options.agent },
        (None, _) => return Err(Failure::usage("a run needs a goal").next("say what should be done")),
    };
    let run = RunId(uuid::Uuid::now_v7());
    let uncommitted = if options.leave_changes { Uncommitted::LeaveBehind } else { Uncommitted::Refuse };
    let order = Order { run, work, workspace: options.workspace, uncommitted };
    // The store is opened before anything is made for the run, so that one that cannot be used leaves nothing behind.
    let session = context.host.session(Part::Carrier(run)).await?;
    let observes = session.client().status().observe.is_on();
    let prepared = match observes {
        true => {
            Err(Failure::new(Exit::Refused, "this program only observes").next("leave --observe out to start runs"))
        }
        false => context.host.prepare(order).await,
    };
    let spec = match prepared {
        Ok(spec) => spec,
        Err(failure) => {
            session.close().await;
            return Err(failure);
        }
    };
    let begin = Some(Command::Start { run, spec: Box::new(spec.clone()) });
    let manner = manner(&context, options.detach, observes);
    let carried = carry(&mut context, session, run, begin, manner).await;
    if carried.is_err() && is_unknown(&context, run).await {
        context.host.discard(&spec).await;
    }
    carried
}

/// Whether the store can be asked and has no such run.
async fn is_unknown(context: &Context<'_>, run: RunId) -> bool {
    let Ok(reader) = context.host.session(Part::Reader).await else { return false };
    let opened = reader.client().open().await;
    reader.close().await;
    opened.is_ok_and(|(snapshot, _)| !snapshot.runs.contains_key(&run))
}

pub async fn resume(mut context: Context<'_>, given: &str, detach: bool) -> Result<Exit, Failure> {
    let reader = context.host.session(Part::Reader).await?;
    let found = {
        let (snapshot, _) = reader.client().open().await?;
        find::run(reader.client(), &snapshot, given).await
    };
    reader.close().await;
    let run = found?;
    if run.state.is_final() {
        return Err(Failure::failed(format!("run {} has already {}", run.id.short(), run.state)));
    }
    let session = context.host.session(Part::Carrier(run.id)).await?;
    let begin = (run.state == RunState::Paused).then_some(Command::Resume { run: run.id });
    let manner = manner(&context, detach, session.client().status().observe.is_on());
    carry(&mut context, session, run.id, begin, manner).await
}

/// Follows the run that a session carries, and closes the session.
async fn carry(
    context: &mut Context<'_>,
    session: Box<dyn super::host::Session>,
    run: RunId,
    begin: Option<Command>,
    manner: Manner,
) -> Result<Exit, Failure> {
    let voice = match context.form {
        Form::Text => Voice::Text,
        Form::Json => Voice::Json,
    };
    let mut progress = Progress::new(context.output, voice, run);
    let following = Following { client: session.client(), run, person: context.host.person(), manner, begin };
    let stop = follow::follow(following, &mut progress).await;
    match &stop {
        Ok(Stop::Left(_)) => session.abandon().await,
        Ok(_) | Err(_) => session.close().await,
    }
    follow::conclude(&stop?, &context.host.program(), &mut progress)
}

/// Somebody is asked only where a person can both read the card and type.
fn manner(context: &Context<'_>, detach: bool, observes: bool) -> Manner {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if is_terminal && context.form == Form::Text && !detach && !observes { Manner::Ask } else { Manner::Leave }
}
