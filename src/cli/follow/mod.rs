//! Following one run: saying what happens, asking the person where that is wanted, and noticing where it stops.
//!
//! It watches through the client alone, so it does not matter which process carries the run.

mod conclude;
mod progress;
mod prompt;
mod signals;

use std::time::Duration;

use tokio::sync::broadcast::error::{RecvError, TryRecvError};

pub use self::conclude::{conclude, tell_who_waits};
pub use self::progress::{Progress, Voice};
use self::prompt::{Prompt, Said};
use self::signals::{Signals, Wish};
use super::failure::Failure;
use crate::domain::{Actor, ApprovalId, RunId, RunState, Untrusted};
use crate::fold::Snapshot;
use crate::kinds::{Approval, Command, Event, Run, RunEvent, RunVerb};
use crate::ports::{Client, Feed, FeedItem};
use crate::shape::thread as history;

/// After this long without any news, a follower of a run that should move says why that may be.
const QUIET: Duration = Duration::from_secs(2);

/// What to do when the run needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Ask the person at this terminal.
    Ask,
    /// Leave it to others.
    Leave,
}

/// Where following came to its end.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    Ended(Box<Run>),
    /// For these decisions.
    Waiting(Box<Run>, Vec<Approval>),
    /// It, or the run of an agent that it waits for; why, and by whom.
    Paused(Box<Run>, Untrusted, PausedBy),
    /// The person wants to go; the run resumes later.
    Left(Box<Run>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PausedBy {
    Person,
    /// A limit, or a model that failed.
    Itself,
}

/// What to follow, and how.
pub struct Following<'a> {
    pub client: &'a dyn Client,
    pub run: RunId,
    pub person: Actor,
    pub manner: Manner,
    /// What sets it going; nothing for a run that already goes.
    pub begin: Option<Command>,
}

/// Follows until the run stops. Everything it says goes through `progress`.
pub async fn follow(following: Following<'_>, progress: &mut Progress<'_>) -> Result<Stop, Failure> {
    let mut signals = Signals::listen()?;
    let (snapshot, feed) = following.client.open().await?;
    if snapshot.runs.contains_key(&following.run)
        && let Some(thread) = history(following.client, following.run).await?
    {
        progress.recall(&thread);
    }
    let mut watch = Watch {
        client: following.client,
        run: following.run,
        person: following.person,
        manner: following.manner,
        snapshot,
        feed,
        paused_by: PausedBy::Itself,
        asking: None,
        is_stopping: false,
        has_news: false,
    };
    if let Some(command) = following.begin {
        watch.client.submit(command, watch.person.clone()).await?;
    }
    let mut prompt = Prompt::default();
    loop {
        watch.catch_up(progress).await?;
        if let Some(stop) = watch.stop() {
            return Ok(stop);
        }
        watch.ask(&mut prompt, progress)?;
        tokio::select! {
            biased;
            wish = signals.next() => {
                if let Some(stop) = watch.obey(wish, progress).await? {
                    return Ok(stop);
                }
            }
            item = watch.feed.recv() => watch.receive(item, progress).await?,
            line = prompt.line(), if watch.asking.is_some() => {
                if let Some(stop) = watch.decide(line, &mut prompt, progress).await? {
                    return Ok(stop);
                }
            }
            () = tokio::time::sleep(QUIET), if !watch.has_news && watch.asking.is_none() => {
                watch.has_news = true;
                progress.say("(nothing new from this run yet; if its process died, another takes over within 20 s)")?;
            }
        }
    }
}

struct Watch<'a> {
    client: &'a dyn Client,
    run: RunId,
    person: Actor,
    manner: Manner,
    snapshot: Snapshot,
    feed: Feed,
    paused_by: PausedBy,
    /// The request that is on the screen.
    asking: Option<ApprovalId>,
    is_stopping: bool,
    has_news: bool,
}

impl Watch<'_> {
    /// Takes in all that has already been heard.
    async fn catch_up(&mut self, progress: &mut Progress<'_>) -> Result<(), Failure> {
        loop {
            match self.feed.try_recv() {
                Ok(item) => self.take(item, progress).await?,
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Lagged(_)) => self.open_again(progress).await?,
                Err(TryRecvError::Closed) => return Err(closed()),
            }
        }
    }

    async fn receive(&mut self, item: Result<FeedItem, RecvError>, progress: &mut Progress<'_>) -> Result<(), Failure> {
        match item {
            Ok(item) => self.take(item, progress).await,
            Err(RecvError::Lagged(_)) => self.open_again(progress).await,
            Err(RecvError::Closed) => Err(closed()),
        }
    }

    async fn take(&mut self, item: FeedItem, progress: &mut Progress<'_>) -> Result<(), Failure> {
        match item {
            FeedItem::Committed { envelope } => {
                self.snapshot.apply(&envelope);
                if let Some(run) = envelope.stream.run()
                    && self.snapshot.with_agents(self.run).contains(&run)
                {
                    self.has_news = true;
                    if matches!(envelope.event, Event::Run(RunEvent::Paused { .. } | RunEvent::LimitReached { .. })) {
                        let is_person = matches!(envelope.by, Actor::Person(_));
                        self.paused_by = if is_person { PausedBy::Person } else { PausedBy::Itself };
                    }
                }
                progress.hear(&envelope, &self.snapshot)
            }
            FeedItem::Delta(delta) => {
                self.has_news = true;
                progress.stream(&delta)
            }
            FeedItem::Lost => self.open_again(progress).await,
            FeedItem::StoreDown { reason } => {
                let place = self.client.status().source;
                progress.say(&format!("NOT SAVED; nothing new starts until the store takes writes: {reason} ({place})"))
            }
            FeedItem::StoreBack => progress.say("the store takes writes again"),
            FeedItem::LinkChanged | FeedItem::StoreSlow { .. } | FeedItem::StoreQuick => Ok(()),
        }
    }

    async fn open_again(&mut self, progress: &mut Progress<'_>) -> Result<(), Failure> {
        (self.snapshot, self.feed) = self.client.open().await?;
        progress.say("(some output was skipped to keep up; `morningai runs show` has all of it)")
    }

    fn row(&self) -> Option<&Run> {
        self.snapshot.runs.get(&self.run)
    }

    /// This run, and those of the agents that it waits for.
    fn rows(&self) -> impl Iterator<Item = &Run> {
        self.snapshot.with_agents(self.run).into_iter().filter_map(|run| self.snapshot.runs.get(&run))
    }

    /// Requests of these runs that want a person.
    fn awaited(&self) -> Vec<&Approval> {
        // A decision is committed before the run takes notice of it, so the state alone does not tell.
        let waiting = self.rows().filter(|run| matches!(run.state, RunState::Waiting | RunState::InDoubt));
        let awaited = waiting.flat_map(Run::awaited).filter_map(|id| self.snapshot.approvals.get(&id));
        awaited.filter(|found| found.state.is_open()).collect()
    }

    fn stop(&self) -> Option<Stop> {
        let run = self.row()?;
        let row = || Box::new(run.clone());
        let awaited = self.awaited();
        let paused = self.rows().find(|run| run.state == RunState::Paused && !run.is_busy());
        if run.state.is_final() {
            Some(Stop::Ended(row()))
        } else if let Some(paused) = paused {
            Some(Stop::Paused(row(), paused.note.clone(), self.paused_by))
        } else if self.manner == Manner::Leave && !awaited.is_empty() {
            Some(Stop::Waiting(row(), awaited.into_iter().cloned().collect()))
        } else {
            None
        }
    }

    /// Puts the oldest open request on the screen, once.
    fn ask(&mut self, prompt: &mut Prompt, progress: &mut Progress<'_>) -> Result<(), Failure> {
        let Some(approval) = self.awaited().first().copied().cloned() else {
            self.asking = None;
            return Ok(());
        };
        if self.asking == Some(approval.id) {
            return Ok(());
        }
        self.asking = Some(approval.id);
        show(&approval, prompt, progress)
    }

    /// A typed line; `None` when the input was closed.
    async fn decide(
        &mut self,
        line: Option<String>,
        prompt: &mut Prompt,
        progress: &mut Progress<'_>,
    ) -> Result<Option<Stop>, Failure> {
        let open = self.awaited().into_iter().find(|approval| Some(approval.id) == self.asking).cloned();
        let Some(approval) = open else { return Ok(None) };
        let said = line.map_or(Said::Leave, |line| prompt::understand(&approval, &line));
        match said {
            Said::Leave => Ok(self.leave_waiting()),
            Said::ShowAgain => show(&approval, prompt, progress).map(|()| None),
            Said::Unclear(why) => {
                progress.output().diagnose_part(&format!("{why}\n{}", prompt::choices(&approval)));
                Ok(None)
            }
            Said::Decide(command) => {
                if let Err(rejection) = self.client.submit(*command, self.person.clone()).await {
                    progress.say(&format!("{}; {}", rejection.message, rejection.hint))?;
                    self.asking = None;
                }
                Ok(None)
            }
        }
    }

    fn leave_waiting(&self) -> Option<Stop> {
        let awaited = self.awaited().into_iter().cloned().collect();
        self.row().map(|run| Stop::Waiting(Box::new(run.clone()), awaited))
    }

    async fn obey(&mut self, wish: Wish, progress: &mut Progress<'_>) -> Result<Option<Stop>, Failure> {
        let left = || self.row().map(|run| Stop::Left(Box::new(run.clone())));
        if wish == Wish::End || self.is_stopping {
            return Ok(left());
        }
        if !self.awaited().is_empty() {
            return Ok(self.leave_waiting());
        }
        self.is_stopping = true;
        progress.say("stopping after the current call; press again to stop now")?;
        if let Err(rejection) = self.client.submit(RunVerb::Pause.on(self.run), self.person.clone()).await {
            // It ended, or somebody paused it, in the same moment; the feed says which.
            tracing::debug!(%rejection, "not paused");
        }
        Ok(None)
    }
}

fn show(approval: &Approval, prompt: &mut Prompt, progress: &mut Progress<'_>) -> Result<(), Failure> {
    progress.say("")?;
    progress.card(approval)?;
    progress.output().diagnose_part(&prompt::choices(approval));
    prompt.shown();
    Ok(())
}

fn closed() -> Failure {
    Failure::failed("the store's feed ended").next("`morningai resume RUN --follow` continues the run")
}
