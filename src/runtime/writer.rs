//! Turns commands into committed events: decides what waits, appends it all in one transaction, then shows it.
//!
//! While one group is being written the next one gathers, so many busy runs share an fsync. Nothing is shown, and
//! no effect begins, before its events are on disk.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::core::{Core, Job, Task};
use super::slowness::Slowness;
use super::{open, supervisor};
use crate::domain::{Rejection, RejectionKind, RunId};
use crate::engine::decide;
use crate::fold::{Snapshot, Thread};
use crate::kinds::{AccessEvent, Command, Decided, Envelope, Event, RowKey, RowKind, RunEvent, Stream};
use crate::ports::{Answered, Batch, FeedItem, LogError, LogErrorKind, NewEvent, RowFilter, RowQuery};

/// Most jobs in one transaction.
const LARGEST_GROUP: usize = 256;
/// Events read at once when another process has written.
const CATCH_UP: u32 = 1000;
/// Pause between tries while the store takes no writes.
const PROBE: Duration = Duration::from_secs(1);
/// Time between looks for the last worker's end while the program stops.
const LAST_LOOK: Duration = Duration::from_millis(5);
/// How long a request is known that was carried out, and how often those that are older are forgotten.
const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 3600);
const TIDY_EVERY: Duration = Duration::from_secs(3600);
/// Committed events after which what has ended is looked through for forgetting.
const FORGET_EVERY: usize = 1000;

pub(super) struct Writer {
    core: Arc<Core>,
    supervisor: mpsc::UnboundedSender<supervisor::Message>,
    store: StoreState,
    slowness: Slowness,
    since_forgetting: usize,
    /// Whether what was pruned or erased is still in memory.
    holds_removed: bool,
}

/// Whether the store takes writes, as far as is known.
enum StoreState {
    Up,
    Down,
    /// It lost what was saved, so what is in memory is no log's any more: nothing is decided until the program reads the
    /// log anew, which takes a person who looked what became of the rest.
    Lost(LogError),
}

/// What a group of jobs would append, and what it changed in the staging snapshot.
#[derive(Default)]
struct Staged {
    batch: Batch,
    touched: BTreeSet<RowKey>,
    /// For each job how many of the events are its own, or why it was rejected.
    outcomes: Vec<Result<usize, Rejection>>,
}

impl Writer {
    pub(super) fn new(core: Arc<Core>, supervisor: mpsc::UnboundedSender<supervisor::Message>) -> Self {
        Self {
            core,
            supervisor,
            store: StoreState::Up,
            slowness: Slowness::default(),
            since_forgetting: 0,
            holds_removed: false,
        }
    }

    pub(super) async fn run(mut self, mut jobs: mpsc::UnboundedReceiver<Task>) {
        let mut head = self.core.log.watch_head();
        let mut probe = tokio::time::interval(PROBE);
        probe.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut tidying = tokio::time::interval_at(Instant::now() + TIDY_EVERY, TIDY_EVERY);
        let mut is_stopping = false;
        // However much others write meanwhile.
        while !is_stopping || self.core.is_working() || !jobs.is_empty() {
            tokio::select! {
                biased;
                Some(first) = jobs.recv() => self.perform(first, &mut jobs).await,
                Ok(()) = head.changed(), if !matches!(self.store, StoreState::Lost(_)) => {
                    let seen = *head.borrow_and_update();
                    if seen > self.core.committed().cursor {
                        self.catch_up_or_log().await;
                    }
                }
                _ = tidying.tick() => self.forget_answers().await,
                () = self.slowness.passes() => self.core.tell(self.slowness.is_over()),
                _ = probe.tick(), if matches!(self.store, StoreState::Down) => self.probe().await,
                () = self.core.stopping.cancelled(), if !is_stopping => is_stopping = true,
                // Workers may still have outcomes to save; look again until the last of them is gone.
                () = tokio::time::sleep(LAST_LOOK), if is_stopping => {}
            }
        }
    }

    /// What waits, up to the next turn of somebody else.
    async fn perform(&mut self, first: Task, jobs: &mut mpsc::UnboundedReceiver<Task>) {
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(Task::Job(job)) = next {
            group.push(job);
            next = if group.len() < LARGEST_GROUP { jobs.try_recv().ok() } else { None };
        }
        if !group.is_empty() {
            self.commit(group).await;
        }
        if let Some(Task::Turn(turn)) = next {
            let (done, ended) = oneshot::channel();
            if turn.send(done).is_ok() {
                // Dropped, never sent.
                let _ = ended.await;
            }
            if !matches!(self.store, StoreState::Lost(_)) {
                self.catch_up_or_log().await;
            }
        }
    }

    async fn commit(&mut self, mut group: Vec<Job>) {
        loop {
            if let StoreState::Lost(error) = &self.store {
                return reject_all(group, error);
            }
            if let Err(error) = self.load_missing(&group).await {
                self.store_is_gone(&error);
                return reject_all(group, &error);
            }
            group = match self.without_repeats(group).await {
                Ok(group) => group,
                Err((group, error)) => {
                    self.store_is_gone(&error);
                    return reject_all(group, &error);
                }
            };
            let staged = self.stage(&group);
            if staged.batch.events.is_empty() && staged.batch.answers.is_empty() {
                return reply(group, staged.outcomes, Vec::new());
            }
            let touched = staged.touched.clone();
            let began = Instant::now();
            match self.core.log.append(staged.batch).await {
                Ok(envelopes) => {
                    self.publish(&envelopes);
                    self.store_is_back();
                    self.slowness.took(began.elapsed()).into_iter().for_each(|item| self.core.tell(item));
                    return reply(group, staged.outcomes, envelopes);
                }
                Err(error) => {
                    self.unstage(&touched);
                    match error.kind {
                        LogErrorKind::Conflict => {
                            if let Err(error) = self.catch_up().await {
                                self.store_is_gone(&error);
                                return reject_all(group, &error);
                            }
                        }
                        LogErrorKind::Fenced if group.len() > 1 => {
                            for job in group.drain(..) {
                                Box::pin(self.commit(vec![job])).await;
                            }
                            return;
                        }
                        LogErrorKind::Fenced => return reject_all(group, &error),
                        LogErrorKind::NotSaved
                        | LogErrorKind::Unknown
                        | LogErrorKind::Busy
                        | LogErrorKind::TooNew
                        | LogErrorKind::Unusable
                        | LogErrorKind::Unsound
                        | LogErrorKind::Lost => {
                            self.store_is_gone(&error);
                            return reject_all(group, &error);
                        }
                    }
                }
            }
        }
    }

    /// Turns away what was carried out before, or is asked for twice at once: the caller then looks up the outcome.
    async fn without_repeats(&self, group: Vec<Job>) -> Result<Vec<Job>, (Vec<Job>, LogError)> {
        let mut fresh: Vec<Job> = Vec::with_capacity(group.len());
        let mut group = group.into_iter();
        while let Some(job) = group.next() {
            let is_repeat = match job.key {
                None => false,
                Some(key) if fresh.iter().any(|other| other.key.is_some_and(|other| other.key == key.key)) => true,
                Some(key) => match self.core.log.answer_to(&key).await {
                    Ok(answered) => answered.is_some(),
                    Err(error) => return Err((fresh.into_iter().chain([job]).chain(group).collect(), error)),
                },
            };
            match is_repeat {
                true => drop(job.reply.send(Err(repeated()))),
                false => fresh.push(job),
            }
        }
        Ok(fresh)
    }

    /// Decides every job in order on the staging snapshot.
    fn stage(&self, group: &[Job]) -> Staged {
        let now = self.core.clock.now();
        let mut snapshot = self.core.staging();
        let mut staged = Staged { batch: Batch { after: snapshot.cursor, ..Batch::default() }, ..Staged::default() };
        for job in group {
            let first = staged.batch.events.len();
            let mut outcome = Ok(());
            for (index, (command, by)) in job.commands.iter().enumerate() {
                match decide(&snapshot, command.clone(), by, now) {
                    Ok(events) => {
                        for decided in events {
                            staged.add(&mut snapshot, decided, now, job.fence.is_some());
                        }
                    }
                    Err(rejection) if index == 0 => {
                        outcome = Err(rejection);
                        break;
                    }
                    // What follows a command in the same job is worth doing only if it still makes sense.
                    Err(rejection) => tracing::debug!(%rejection, "left out of a job"),
                }
            }
            let last = staged.batch.events.len();
            if last > first {
                staged.batch.fences.extend(job.fence);
            }
            if let (Some(key), Ok(())) = (job.key, &outcome) {
                let (place, events) = (staged.batch.after + first as u64 + 1, (last - first) as u32);
                staged.batch.answers.push(Answered { key, first: place, events, at: now });
            }
            staged.outcomes.push(outcome.map(|()| last - first));
        }
        staged.batch.rows = staged.touched.iter().filter_map(|key| snapshot.row(key)).collect();
        staged
    }

    /// Takes back what was staged and not saved.
    fn unstage(&self, touched: &BTreeSet<RowKey>) {
        let committed = self.core.committed();
        let mut staging = self.core.staging();
        staging.cursor = committed.cursor;
        for key in touched {
            staging.restore(&committed, key);
            if let Some(run) = key.stream().and_then(Stream::run) {
                staging.threads.remove(&run);
            }
        }
    }

    fn publish(&mut self, envelopes: &[Envelope]) {
        {
            let mut committed = self.core.committed();
            for envelope in envelopes {
                committed.apply(envelope);
                self.core.tell_committed(envelope);
            }
            self.since_forgetting += envelopes.len();
            if self.since_forgetting > FORGET_EVERY {
                self.since_forgetting = 0;
                committed.forget_old();
                self.core.staging().forget_old();
            }
        }
        // A run's own worker knows what happens in it, unless that may come from another run or be for one.
        let is_own = |event: &Event| matches!(event, Event::Run(event) if !event.concerns_another());
        let wakes_another = |envelope: &Envelope| envelope.event.wakes() && !is_own(&envelope.event);
        if envelopes.iter().any(wakes_another) {
            let _ = self.supervisor.send(supervisor::Message::Committed(envelopes.to_vec()));
        }
    }

    /// Takes in what other processes wrote.
    async fn catch_up(&mut self) -> Result<(), LogError> {
        loop {
            let after = self.core.committed().cursor;
            let envelopes = self.core.log.read(after, CATCH_UP).await?;
            let is_all = envelopes.len() < CATCH_UP as usize;
            if envelopes.is_empty() {
                break;
            }
            {
                let mut committed = self.core.committed();
                let mut staging = self.core.staging();
                for envelope in &envelopes {
                    committed.apply(envelope);
                    staging.apply(envelope);
                    self.core.tell_committed(envelope);
                }
            }
            self.holds_removed |= envelopes.iter().any(removes);
            let _ = self.supervisor.send(supervisor::Message::Committed(envelopes));
            if is_all {
                break;
            }
        }
        if self.holds_removed {
            self.forget_removed().await?;
            self.holds_removed = !self.reread_spend().await?;
        }
        Ok(())
    }

    /// What was pruned or erased is not told from memory any more; what is left of the newest is read again.
    async fn forget_removed(&self) -> Result<(), LogError> {
        for mut snapshot in [self.core.committed(), self.core.staging()] {
            snapshot.forget_ended();
        }
        for kind in RowKind::OF_STREAMS.iter().copied() {
            self.load(RowQuery::first(kind, RowFilter::Ended, open::RECENT)).await?;
        }
        Ok(())
    }

    /// The names of those who were erased stand in the sums of days too. Whether they could be read again: not where
    /// somebody has appended meanwhile, for the sums must be exactly as old as the rest.
    async fn reread_spend(&self) -> Result<bool, LogError> {
        let found = open::load_spend(self.core.log.as_ref()).await?;
        let (mut committed, mut staging) = (self.core.committed(), self.core.staging());
        let is_as_old = committed.cursor == found.cursor && staging.cursor == found.cursor;
        if is_as_old {
            committed.spend.clone_from(&found.spend);
            staging.spend = found.spend;
        }
        Ok(is_as_old)
    }

    async fn catch_up_or_log(&mut self) {
        match self.catch_up().await {
            Ok(()) => {}
            Err(error) if error.kind == LogErrorKind::Lost => self.store_is_gone(&error),
            Err(error) => tracing::error!(%error, "could not read what another process wrote"),
        }
    }

    /// Brings rows and histories into memory that the commands are about.
    async fn load_missing(&self, group: &[Job]) -> Result<(), LogError> {
        for (command, _) in group.iter().flat_map(|job| job.commands.iter()) {
            let stream = command.stream();
            self.load_row(stream).await?;
            let parent = self.core.staging().parent(stream);
            if let Some(parent) = parent {
                self.load_row(parent).await?;
            }
            if let Some(named) = command.names() {
                self.load_row(named).await?;
            }
            if let Command::Report(report) = command {
                self.load_thread(report.run()).await?;
            }
            self.load_awaited(stream).await?;
        }
        Ok(())
    }

    /// What a run waits for may have been decided long ago, and forgotten since, with nobody there to act on it; and so
    /// may a budget have been removed that an answer raises.
    async fn load_awaited(&self, stream: Stream) -> Result<(), LogError> {
        let awaited = self.core.staging().waits_for(stream);
        for awaited in awaited {
            self.load_row(awaited).await?;
        }
        Ok(())
    }

    async fn load_row(&self, stream: Stream) -> Result<(), LogError> {
        let Some(key) = stream.row().filter(|_| self.core.staging().version(stream) == 0) else { return Ok(()) };
        self.load(RowQuery::first(key.kind, RowFilter::One(stream.parts().1), 1)).await
    }

    async fn load(&self, wanted: RowQuery) -> Result<(), LogError> {
        let mut found = Snapshot::default();
        open::load_rows(self.core.log.as_ref(), wanted, &mut found).await?;
        for mut snapshot in [self.core.committed(), self.core.staging()] {
            snapshot.extend(&found);
        }
        Ok(())
    }

    async fn load_thread(&self, run: RunId) -> Result<(), LogError> {
        let known = {
            let staging = self.core.staging();
            staging.threads.contains_key(&run) || !staging.runs.contains_key(&run)
        };
        if !known && let Some(thread) = open::load_thread(self.core.log.as_ref(), run).await? {
            self.core.staging().threads.insert(run, thread);
        }
        Ok(())
    }

    async fn forget_answers(&self) {
        let before = self.core.clock.now() - ANSWERS_KEPT;
        if let Err(error) = self.core.log.forget_answers(before).await {
            tracing::debug!(%error, "requests that were answered are not forgotten yet");
        }
    }

    fn store_is_gone(&mut self, error: &LogError) {
        tracing::error!(%error, "not saved");
        let tell = |mut reason: String| {
            self.core.redactor.sentence(&mut reason);
            self.core.tell(FeedItem::StoreDown { reason });
        };
        match (&self.store, error.kind) {
            (StoreState::Lost(_), _) => {}
            // Said also of a store that is known to be down: this does not pass.
            (StoreState::Up | StoreState::Down, LogErrorKind::Lost) => {
                tell(format!("{}; {}", error.message, error.hint));
                self.store = StoreState::Lost(error.clone());
            }
            (StoreState::Up, _) => {
                tell(error.message.clone());
                self.store = StoreState::Down;
            }
            (StoreState::Down, _) => {}
        }
    }

    fn store_is_back(&mut self) {
        if let StoreState::Down = self.store {
            self.store = StoreState::Up;
            self.core.tell(FeedItem::StoreBack);
        }
    }

    /// Whether the store takes writes again, tried with a row that means nothing, and still has what it had.
    async fn probe(&mut self) {
        let nobodys = RunId(uuid::Uuid::nil());
        let Ok(Some(lease)) = self.core.log.claim(nobodys, &self.core.owner, Duration::ZERO).await else { return };
        let _ = self.core.log.release(&lease).await;
        match self.core.log.head().await {
            Ok(_) => self.store_is_back(),
            Err(error) if error.kind == LogErrorKind::Lost => self.store_is_gone(&error),
            Err(error) => tracing::debug!(%error, "the store takes writes and cannot be read"),
        }
    }
}

impl Staged {
    fn add(&mut self, snapshot: &mut Snapshot, decided: Decided, at: crate::domain::Timestamp, keeps_thread: bool) {
        let version = 1 + snapshot.version(decided.stream);
        let envelope = Envelope {
            seq: snapshot.cursor + 1,
            stream: decided.stream,
            version,
            at,
            by: decided.by,
            event: decided.event,
        };
        self.touched.extend(snapshot.apply(&envelope));
        if let (true, Stream::Run(id), Event::Run(RunEvent::Started { .. })) =
            (keeps_thread, envelope.stream, &envelope.event)
        {
            snapshot.threads.extend(Thread::of(std::slice::from_ref(&envelope)).map(|thread| (id, thread)));
        }
        let Envelope { stream, version, at, by, event, .. } = envelope;
        self.batch.events.push(NewEvent { stream, version, at, by, event });
    }
}

fn repeated() -> Rejection {
    Rejection::new(RejectionKind::AlreadySettled, "this request arrived before").hint("wait, then send it again")
}

/// Whether an event tells of rows that are gone.
fn removes(envelope: &Envelope) -> bool {
    matches!(envelope.event, Event::Account(AccessEvent::LogPruned { .. } | AccessEvent::SubjectErased { .. }))
}

/// Each job gets its part of what was committed, which lies in the order of the jobs.
fn reply(group: Vec<Job>, outcomes: Vec<Result<usize, Rejection>>, envelopes: Vec<Envelope>) {
    let mut envelopes = envelopes.into_iter();
    for (job, outcome) in group.into_iter().zip(outcomes) {
        // Somebody who no longer waits needs no answer.
        let _ = job.reply.send(outcome.map(|count| envelopes.by_ref().take(count).collect()));
    }
}

fn reject_all(group: Vec<Job>, error: &LogError) {
    let kind = match error.kind {
        LogErrorKind::Fenced => RejectionKind::Stale,
        _ => RejectionKind::NotSaved,
    };
    // Never "not saved" of what may have been.
    let message = match error.kind {
        LogErrorKind::Unknown => error.message.clone(),
        _ => format!("not saved: {}", error.message),
    };
    for job in group {
        let rejection = Rejection::new(kind, message.clone()).hint(error.hint.clone());
        let _ = job.reply.send(Err(rejection));
    }
}
