//! `morningai edit`: other arguments for a call that waits for a person, and then the request in its changed form.

use std::io::Read;
use std::time::Duration;

use serde_json::Value;

use super::context::{Context, Form};
use super::edit_args::{EditOptions, EditSource};
use super::exit::Exit;
use super::failure::Failure;
use super::host::Part;
use super::{card, decide, find};
use crate::domain::{FailureKind, ToolResult, written_text};
use crate::fold::{CallStatus, Snapshot};
use crate::kinds::{Approval, ApprovalVerb};
use crate::ports::Client;
use crate::shape;
use crate::shape::ApprovalDetail;

/// Longest wait for another process to prepare the changed call.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of arguments read; the store takes no larger ones from a server either.
const MOST_BYTES: u64 = 1024 * 1024;

pub async fn edit(mut context: Context<'_>, options: EditOptions) -> Result<Exit, Failure> {
    let session = context.host.session(Part::Clerk).await?;
    let edited = submit(&mut context, session.client(), &options).await;
    let next = match &edited {
        Ok(edited) if !options.carry.detach => edited.decided.who_goes_on(edited.approval.run, session.client()).await,
        Ok(_) | Err(_) => decide::GoesOn::ByOthers,
    };
    session.close().await;
    let edited = edited?.approval;
    if options.carry.until_waiting {
        decide::go_on(&mut context, next, edited.run, options.carry).await?;
    }
    let patience = match (options.carry.detach, next) {
        (false, decide::GoesOn::ByOthers) => PATIENCE,
        _ => Duration::ZERO,
    };
    let session = context.host.session(Part::Clerk).await?;
    let became = outcome(session.client(), &edited, patience).await;
    session.close().await;
    tell(&mut context, &edited, became?, next)
}

/// A request that ended as edited.
struct Edited {
    approval: Approval,
    decided: decide::Decided,
}

async fn submit(context: &mut Context<'_>, client: &dyn Client, options: &EditOptions) -> Result<Edited, Failure> {
    let (mut snapshot, feed) = client.open().await?;
    let approval = find::approval(client, &snapshot, &options.id).await?;
    let thread = shape::thread(client, approval.run).await?;
    let standing = thread.as_ref().and_then(|thread| thread.calls.get(&approval.call)).map(|entry| &entry.call.args);
    let args = new_arguments(context, &options.source, standing).await?;
    if standing == Some(&args) {
        return Err(Failure::usage("nothing was changed").next("change an argument, or approve the call as asked"));
    }
    let digest = options.digest.trim().to_owned();
    let command = ApprovalVerb::Edit { digest, args }.on(approval.id);
    let committed = decide::submit(context, client, command, &approval).await?;
    snapshot.approvals.insert(approval.id, approval.clone());
    committed.iter().for_each(|envelope| drop(snapshot.apply(envelope)));
    let seq = committed.last().map_or(snapshot.cursor, |envelope| envelope.seq);
    let approval = snapshot.approvals.remove(&approval.id).unwrap_or(approval);
    Ok(Edited { approval, decided: decide::Decided::new(feed, seq) })
}

async fn new_arguments(context: &Context<'_>, source: &EditSource, standing: Option<&Value>) -> Result<Value, Failure> {
    let (place, text) = match source.arguments.as_deref() {
        Some("-") => ("standard input".to_owned(), read("standard input", std::io::stdin().lock())?),
        Some(given) => match given.strip_prefix('@') {
            Some(path) => {
                let unreadable = |error| Failure::usage(format!("it cannot be read: {error}")).at(path);
                (path.to_owned(), read(path, std::fs::File::open(path).map_err(unreadable)?)?)
            }
            None => ("--arguments".to_owned(), given.to_owned()),
        },
        None => {
            let standing = standing.ok_or_else(|| Failure::failed("its call is not in the history of its run"))?;
            let text = serde_json::to_string_pretty(standing).unwrap_or_else(|_| standing.to_string());
            ("the editor".to_owned(), context.host.edit(text).await?)
        }
    };
    serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("the arguments are not JSON: {error}"))
            .at(place)
            .next("write an object, {\"name\": value}; `morningai runs show RUN --json` shows the current ones")
    })
}

fn read(place: &str, input: impl Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = input.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::usage(format!("it cannot be read: {error}")).at(place))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Failure::usage("the arguments are longer than 1 MiB").at(place).next("give less"));
    }
    written_text(bytes).map_err(|error| Failure::usage(error.message).at(place).next(error.hint))
}

/// What became of a changed call.
enum Became {
    /// It is asked for as it is now.
    Asked(Box<Approval>),
    /// It came to its end without anybody being asked.
    Settled(Box<ToolResult>),
    /// Nobody has prepared it yet.
    Left,
}

/// Looks until the changed call has become something, or patience is at its end.
async fn outcome(client: &dyn Client, edited: &Approval, patience: Duration) -> Result<Became, Failure> {
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        let (snapshot, mut feed) = client.open().await?;
        match look(client, &snapshot, edited).await? {
            Became::Left => {}
            became => return Ok(became),
        }
        match tokio::time::timeout_at(deadline, feed.recv()).await {
            Ok(_) => {}
            Err(_) => return Ok(Became::Left),
        }
    }
}

async fn look(client: &dyn Client, snapshot: &Snapshot, edited: &Approval) -> Result<Became, Failure> {
    if let Some(asked) = snapshot.asked_instead_of(edited.id) {
        return Ok(Became::Asked(Box::new(asked.clone())));
    }
    let run = snapshot.runs.get(&edited.run);
    if run.is_some_and(|run| run.open_call(edited.call).is_some()) {
        return Ok(Became::Left);
    }
    let thread = shape::thread(client, edited.run).await?;
    let entry = thread.as_ref().and_then(|thread| thread.calls.get(&edited.call));
    Ok(match entry.map(|entry| &entry.status) {
        Some(CallStatus::Settled(result)) => Became::Settled(result.clone()),
        _ => Became::Left,
    })
}

fn tell(context: &mut Context<'_>, edited: &Approval, became: Became, next: decide::GoesOn) -> Result<Exit, Failure> {
    match became {
        Became::Asked(asked) => {
            show(context, &asked)?;
            let (program, digest) = (context.host.program(), asked.digest.shown());
            let next = format!("{program} approve {} --digest {digest}", asked.id);
            context.output.diagnose(&format!("changed; `{next}` approves the changed call"));
            Ok(Exit::Done)
        }
        Became::Settled(result) => {
            let summary = result.summary.visible().into_owned();
            let exit = if result.failure == Some(FailureKind::Refused) { Exit::Refused } else { Exit::Failed };
            show(context, edited)?;
            Err(Failure::new(exit, format!("changed, and then: {summary}")).next("the agent is told so"))
        }
        Became::Left => {
            show(context, edited)?;
            context.output.diagnose("changed; the new request appears once a process works on the run");
            decide::tell_who_goes_on(context, next, edited.run);
            Ok(Exit::Done)
        }
    }
}

fn show(context: &mut Context<'_>, approval: &Approval) -> Result<(), Failure> {
    match context.form {
        Form::Json => context.output.json(&ApprovalDetail::of(approval)),
        Form::Text => context.output.write(&card::text(approval)),
    }
}
