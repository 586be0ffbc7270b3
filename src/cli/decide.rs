//! `morningai approve`, `deny`, `answer` and `settle`: a decision, and who carries its run on from there.

use std::time::Duration;

use super::carry_args::CarryOptions;
use super::context::{Context, Form};
use super::exit::Exit;
use super::failure::Failure;
use super::follow::{Following, Manner, Progress, Stop, Voice, tell_who_waits};
use super::host::Part;
use super::{card, find, follow};
use crate::domain::{Ask, Rejection, RejectionKind, RunId, RunState, Settlement};
use crate::fold::Snapshot;
use crate::kinds::{Approval, ApprovalVerb, Command, Envelope, Run, Stream};
use crate::ports::{Client, Feed, FeedItem};
use crate::shape::ApprovalShape;

/// A process that works on runs acts on a decision within 250 ms; after twice that nobody does.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a person decided.
pub enum Decision {
    Approve { digest: String },
    Deny { reason: String },
    Answer { text: String },
    Settle { settlement: Settlement, note: String },
}

impl Decision {
    fn command(self, approval: &Approval) -> Command {
        let approval = approval.id;
        match self {
            Self::Approve { digest } => ApprovalVerb::Approve { digest: digest.trim().to_owned() }.on(approval),
            Self::Deny { reason } => ApprovalVerb::Deny { reason: reason.into() }.on(approval),
            Self::Answer { text } => ApprovalVerb::Answer { text: text.into() }.on(approval),
            Self::Settle { settlement, note } => ApprovalVerb::Settle { settlement, note: note.into() }.on(approval),
        }
    }
}

/// Decides on the approval that `given` names.
pub async fn decide(
    mut context: Context<'_>,
    given: &str,
    decision: Decision,
    carry: CarryOptions,
) -> Result<Exit, Failure> {
    let session = context.host.session(Part::Clerk).await?;
    let decided = record(&mut context, session.client(), given, decision).await;
    let next = match &decided {
        Ok((approval, _, decided)) if !carry.detach => decided.who_goes_on(approval.run, session.client()).await,
        Ok(_) | Err(_) => GoesOn::ByOthers,
    };
    session.close().await;
    let (_, run, _) = decided?;
    go_on(&mut context, next, run, carry).await.map(|()| Exit::Done)
}

/// Says who goes on with a run; where that was asked for, does so here, if nobody else does.
pub async fn go_on(context: &mut Context<'_>, next: GoesOn, run: RunId, carry: CarryOptions) -> Result<(), Failure> {
    match next {
        GoesOn::Here | GoesOn::WhenDecided if carry.until_waiting => carry_on(context, run).await,
        _ => {
            tell_who_goes_on(context, next, run);
            Ok(())
        }
    }
}

/// On standard error; nothing where that goes without saying.
pub fn tell_who_goes_on(context: &mut Context<'_>, next: GoesOn, run: RunId) {
    let program = context.host.program();
    let resume = format!("`{program} resume {run} --follow`");
    let told = match next {
        GoesOn::ByOthers => return,
        GoesOn::WhenResumed => format!("the run is paused; {resume} resumes it"),
        GoesOn::WhenDecided => format!("the run waits for a person; `{program} approvals` lists what it asks"),
        GoesOn::WithAModel => {
            format!("no model is configured here, so the run is left to a process that has one: a console, or {resume}")
        }
        GoesOn::Here => format!(
            "no process is working on the run yet: start a console or `{program} serve` on this store, or use {resume}"
        ),
    };
    context.output.diagnose(&told);
}

/// Carries a run to its next stop, telling of it on standard error.
pub async fn carry_on(context: &mut Context<'_>, run: RunId) -> Result<(), Failure> {
    let session = context.host.session(Part::Carrier(run)).await?;
    let person = context.host.person();
    let program = context.host.program();
    let mut progress = Progress::new(context.output, Voice::Aside, run);
    let following = Following { client: session.client(), run, person, manner: Manner::Leave, begin: None };
    let stop = follow::follow(following, &mut progress).await;
    match &stop {
        Ok(Stop::Left(_)) => session.abandon().await,
        Ok(_) | Err(_) => session.close().await,
    }
    match stop? {
        Stop::Waiting(_, approvals) => tell_who_waits(&approvals, &program, &mut progress),
        // How the run ended is not how the decision went: that was recorded.
        other => drop(follow::conclude(&other, &program, &mut progress)?),
    }
    Ok(())
}

/// What was true once the decision was on disk.
pub struct Decided {
    feed: tokio::sync::Mutex<Feed>,
    seq: u64,
}

/// Who takes the run on from a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoesOn {
    ByOthers,
    WhenResumed,
    /// It waits for a person, and nobody else.
    WhenDecided,
    /// Here it would only stop at its next turn.
    WithAModel,
    Here,
}

/// What was decided on, and the run that is to be carried on then: of an agent, the one that waits for it.
async fn record(
    context: &mut Context<'_>,
    client: &dyn Client,
    given: &str,
    decision: Decision,
) -> Result<(Approval, RunId, Decided), Failure> {
    let (mut snapshot, feed) = client.open().await?;
    let approval = find::approval(client, &snapshot, given).await?;
    snapshot.approvals.insert(approval.id, approval.clone());
    let committed = submit(context, client, decision.command(&approval), &approval).await?;
    committed.iter().for_each(|envelope| drop(snapshot.apply(envelope)));
    let seq = committed.last().map_or(snapshot.cursor, |envelope| envelope.seq);
    let decided = snapshot.approvals.remove(&approval.id).unwrap_or(approval);
    match context.form {
        Form::Json => context.output.json(&ApprovalShape::of(&decided))?,
        Form::Text => context.output.line(&sentence(&decided))?,
    }
    let run = snapshot.root_of(decided.run);
    Ok((decided, run, Decided::new(feed, seq)))
}

/// Submits a decision on a card. Where it names another one, what stands there now is printed, and its digest after it.
pub async fn submit(
    context: &mut Context<'_>,
    client: &dyn Client,
    command: Command,
    approval: &Approval,
) -> Result<Vec<Envelope>, Rejection> {
    let submitted = client.submit(command, context.host.person()).await;
    if submitted.as_ref().is_err_and(|rejection| rejection.kind == RejectionKind::DigestMismatch) {
        context.output.diagnose_part(&card::text(approval));
    }
    submitted
}

fn sentence(approval: &Approval) -> String {
    let run = approval.run;
    let words = approval.words.visible();
    match (&approval.ask, approval.settlement) {
        (_, Some(settlement)) => format!("settled as {}: {} (run {run})", name(settlement), card::headline(approval)),
        (Ask::Question { .. }, None) if !words.is_empty() => format!("answered: {words} (run {run})"),
        (Ask::Question { .. } | Ask::Effect { .. } | Ask::InDoubt { .. }, None) => {
            format!("{}: {} (run {run})", approval.state, card::headline(approval))
        }
    }
}

fn name(settlement: Settlement) -> &'static str {
    match settlement {
        Settlement::Happened => "happened",
        Settlement::Retry => "to be tried again",
        Settlement::GiveUp => "given up",
    }
}

impl Decided {
    /// `seq` is that of the decision; the feed was taken before it.
    pub fn new(feed: Feed, seq: u64) -> Self {
        Self { feed: tokio::sync::Mutex::new(feed), seq }
    }

    /// Waits for a sign that some process took the run on.
    pub async fn who_goes_on(&self, run: RunId, client: &dyn Client) -> GoesOn {
        let mut feed = self.feed.lock().await;
        let taken = async {
            while let Ok(item) = feed.recv().await {
                if let FeedItem::Committed { envelope } = item
                    && envelope.stream == Stream::Run(run)
                    && envelope.seq > self.seq
                {
                    return;
                }
            }
            std::future::pending::<()>().await;
        };
        if tokio::time::timeout(PATIENCE, taken).await.is_ok() {
            return GoesOn::ByOthers;
        }
        let snapshot = client.open().await.map(|(snapshot, _)| snapshot).unwrap_or_default();
        left_to_do(&snapshot, run, client.status().model.as_deref())
    }
}

fn waits_for_a_person(snapshot: &Snapshot, row: &Run) -> bool {
    let is_open = |id| snapshot.approvals.get(&id).is_some_and(|approval| approval.state.is_open());
    matches!(row.state, RunState::Waiting | RunState::InDoubt) && row.awaited().all(is_open)
}

fn left_to_do(snapshot: &Snapshot, run: RunId, model: Option<&str>) -> GoesOn {
    match snapshot.runs.get(&run) {
        Some(row) if row.state.is_final() => GoesOn::ByOthers,
        Some(row) if row.state == RunState::Paused && row.cancelling.is_none() => GoesOn::WhenResumed,
        Some(row) if waits_for_a_person(snapshot, row) => GoesOn::WhenDecided,
        Some(row) if !row.is_procedure && model.is_none() && row.cancelling.is_none() => GoesOn::WithAModel,
        Some(_) => GoesOn::Here,
        None => GoesOn::ByOthers,
    }
}
