//! `morningai run`, and `resume` where it follows: setting a run going and following it.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use super::args::RunOptions;
use super::context::{Context, Form};
use super::decide::{Decided, GoesOn};
use super::exit::Exit;
use super::failure::Failure;
use super::follow::{Following, Manner, Progress, Stop, Voice};
use super::host::{Order, Part, Session, Uncommitted, Work};
use super::table::table;
use super::{decide, find, follow};
use crate::domain::{RunId, RunSpec, RunState, Untrusted, nearest};
use crate::kinds::{Command, RunVerb};
use crate::ports::{Client, Clock, SystemClock};
use crate::shape;
use crate::shape::{DryRunCall, DryRunOutcome};

/// Whether a person at this terminal is asked what the run asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    Here,
    Nobody,
}

pub async fn run(mut context: Context<'_>, options: RunOptions) -> Result<Exit, Failure> {
    let work = match (options.runbook, options.goal) {
        (Some(procedure), _) => Work::Procedure(procedure),
        (None, Some(goal)) if !goal.trim().is_empty() => Work::Goal { goal, agent: options.agent },
        (None, _) => return Err(Failure::usage("a run needs a goal").next("say what should be done")),
    };
    let mut inputs: BTreeMap<_, _> =
        options.label.into_iter().map(|(name, value)| (format!("LABEL_{name}"), value.into())).collect();
    if let Some(host) = options.host {
        known_host(&host, &context.host.hosts())?;
        inputs.insert("HOST".to_owned(), host.into());
    }
    if let (true, Work::Procedure(procedure)) = (options.dry_run, &work) {
        return dry_run(context, procedure, inputs).await;
    }
    let run = RunId(uuid::Uuid::now_v7());
    let uncommitted = if options.leave_changes { Uncommitted::LeaveBehind } else { Uncommitted::Refuse };
    let order = Order { run, work, workspace: options.workspace, uncommitted };
    // The store is opened before anything is made for the run, so that one that cannot be used leaves nothing behind.
    let part = if options.detach { Part::Clerk } else { Part::Carrier(run) };
    let session = context.host.session(part).await?;
    let observes = session.client().status().observe.is_on();
    let prepared =
        match observes {
            true => Err(Failure::new(Exit::Refused, "this program runs with --observe")
                .next("leave --observe out to start runs")),
            false => context.host.prepare(order).await,
        };
    let spec = match prepared {
        Ok(spec) => RunSpec { inputs, ..spec },
        Err(failure) => {
            session.close().await;
            return Err(failure);
        }
    };
    warn_of_quota(&mut context, session.client()).await;
    let begin = RunVerb::Start { spec: Box::new(spec.clone()) }.on(run);
    let carried = if options.detach {
        leave(&mut context, session, run, begin).await
    } else {
        let asking = if options.until_waiting { Asking::Nobody } else { Asking::Here };
        let manner = manner(&context, asking, observes);
        carry(&mut context, session, run, Some(begin), manner).await
    };
    if carried.is_err() && is_unknown(&context, run).await {
        context.host.discard(&spec).await;
    }
    carried
}

fn known_host(name: &str, hosts: &[String]) -> Result<(), Failure> {
    if hosts.iter().any(|host| host == name) {
        return Ok(());
    }
    let next = match (nearest(name, hosts.iter().map(String::as_str)), hosts) {
        (Some(close), _) => format!("did you mean `{close}`?"),
        (None, []) => format!("add [hosts.{name}] to it, with ssh = \"user@host\""),
        (None, hosts) => format!("its hosts are: {}", hosts.join(", ")),
    };
    Err(Failure::usage(format!("the configuration has no host `{name}`")).next(next))
}

/// Says so where the plan's runs are nearly used up and more will be refused.
async fn warn_of_quota(context: &mut Context<'_>, client: &dyn Client) {
    let Ok(Some(standing)) = shape::standing(client, SystemClock.now()).await else { return };
    if standing.is_near() && standing.overrun.is_none() {
        context.output.diagnose(&Untrusted::from(standing.runs_of_plan()).visible());
    }
}

/// Prints what a procedure would do. It fails where a call could not run as it is written.
async fn dry_run(context: Context<'_>, procedure: &str, inputs: BTreeMap<String, Untrusted>) -> Result<Exit, Failure> {
    let calls = context.host.dry_run(procedure, inputs).await?;
    let is_sound = calls.iter().all(|call| !matches!(call.outcome, DryRunOutcome::Wrong | DryRunOutcome::Refused));
    match context.form {
        Form::Json => calls.iter().try_for_each(|call| context.output.json(call))?,
        Form::Text => {
            let row = |call: &DryRunCall| {
                let step = if call.part == "act" { format!("{}. {}", call.step, call.title) } else { String::new() };
                let part = if call.part == "act" { String::new() } else { call.part.to_owned() };
                let (outcome, why) = match call.outcome {
                    DryRunOutcome::Runs => ("runs", &call.rule),
                    DryRunOutcome::Asks => ("asks a person", &call.reason),
                    DryRunOutcome::Refused => ("REFUSED", &call.reason),
                    DryRunOutcome::Unknown => ("not known yet", &call.rule),
                    DryRunOutcome::Wrong => ("WRONG", &call.rule),
                };
                vec![step, part, call.tool.clone(), call.what.visible().into_owned(), outcome.to_owned(), why.clone()]
            };
            let rows: Vec<_> = calls.iter().map(row).collect();
            context.output.line(&table(&["STEP", "", "TOOL", "WHAT", "THEN", "WHY"], &rows))?;
        }
    }
    Ok(if is_sound { Exit::Done } else { Exit::Failed })
}

/// Whether the store can be asked and has no such run.
async fn is_unknown(context: &Context<'_>, run: RunId) -> bool {
    let Ok(reader) = context.host.session(Part::Reader).await else { return false };
    let opened = reader.client().open().await;
    reader.close().await;
    opened.is_ok_and(|(snapshot, _)| !snapshot.runs.contains_key(&run))
}

/// Starts the run, and says who carries it on and how to follow it.
async fn leave(
    context: &mut Context<'_>,
    session: Box<dyn Session>,
    run: RunId,
    begin: Command,
) -> Result<Exit, Failure> {
    let started = start(context, session.client(), run, begin).await;
    let next = match &started {
        Ok((decided, _)) => decided.who_goes_on(run, session.client()).await,
        Err(_) => GoesOn::ByOthers,
    };
    session.close().await;
    let (_, exit) = started?;
    match next {
        GoesOn::ByOthers => {
            let program = context.host.program();
            context
                .output
                .diagnose(&format!("a console or server works on it; `{program} resume {run} --follow` follows it"));
        }
        other => decide::tell_who_goes_on(context, other, run),
    }
    Ok(exit)
}

async fn start(
    context: &mut Context<'_>,
    client: &dyn Client,
    run: RunId,
    begin: Command,
) -> Result<(Decided, Exit), Failure> {
    let (mut snapshot, feed) = client.open().await?;
    let committed = client.submit(begin, context.host.person()).await?;
    let mut progress = Progress::new(context.output, voice(context.form), run);
    for envelope in &committed {
        snapshot.apply(envelope);
        progress.hear(envelope, &snapshot)?;
    }
    let seq = committed.last().map_or(snapshot.cursor, |envelope| envelope.seq);
    Ok((Decided::new(feed, seq), progress.exit(Exit::Done)))
}

/// Follows a run that was left, working on it where nobody else does; a paused one goes on.
pub async fn resume(mut context: Context<'_>, given: &str, asking: Asking) -> Result<Exit, Failure> {
    let reader = context.host.session(Part::Reader).await?;
    let (snapshot, _) = reader.client().open().await?;
    let found = find::run(reader.client(), &snapshot, given).await;
    reader.close().await;
    let run = found?;
    if run.state.is_final() {
        return Err(Failure::failed(format!("run {} has already {}", run.id.short(), run.state)));
    }
    let session = context.host.session(Part::Carrier(run.id)).await?;
    // The run itself may wait for one of an agent that paused.
    let all = snapshot.with_agents(run.id).into_iter().filter_map(|run| snapshot.runs.get(&run));
    let paused = std::iter::once(&run).chain(all).find(|run| run.state == RunState::Paused);
    let begin = paused.map(|paused| RunVerb::Resume.on(paused.id));
    let manner = manner(&context, asking, session.client().status().observe.is_on());
    carry(&mut context, session, run.id, begin, manner).await
}

/// Follows the run that a session carries, and closes the session.
async fn carry(
    context: &mut Context<'_>,
    session: Box<dyn Session>,
    run: RunId,
    begin: Option<Command>,
    manner: Manner,
) -> Result<Exit, Failure> {
    let mut progress = Progress::new(context.output, voice(context.form), run);
    let following = Following { client: session.client(), run, person: context.host.person(), manner, begin };
    let stop = follow::follow(following, &mut progress).await;
    match &stop {
        Ok(Stop::Left(_)) => session.abandon().await,
        Ok(_) | Err(_) => session.close().await,
    }
    let exit = follow::conclude(&stop?, &context.host.program(), &mut progress)?;
    Ok(progress.exit(exit))
}

fn voice(form: Form) -> Voice {
    match form {
        Form::Text => Voice::Text,
        Form::Json => Voice::Json,
    }
}

/// Somebody is asked only where a person can both read the card and type.
fn manner(context: &Context<'_>, asking: Asking, observes: bool) -> Manner {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if is_terminal && context.form == Form::Text && asking == Asking::Here && !observes {
        Manner::Ask
    } else {
        Manner::Leave
    }
}
