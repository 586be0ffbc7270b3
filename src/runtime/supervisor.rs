//! Knows which runs this process works on, who must be woken, and when time alone asks for something.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::core::{AtWork, Core, Wish};
use super::parts::Role;
use super::react::Started;
use super::{react, worker};
use crate::domain::{Actor, RunId, RunState};
use crate::engine;
use crate::fold::Snapshot;
use crate::kinds::{CallStage, DelegateEnd, Envelope, OpenCall, Run, Wanted};

/// Time between looks for runs that another process left under way.
const SWEEP: Duration = Duration::from_secs(1);
/// Least time between two looks for what is due.
const DUE_AGAIN: Duration = Duration::from_millis(200);
/// Pause before a wanted run that could not be started is tried again.
const WANTED_AGAIN: Duration = Duration::from_secs(10);
/// With nothing to sweep and nothing to expire, how long to sleep; any message ends it.
const LONG: Duration = Duration::from_secs(24 * 3600);

pub(super) enum Message {
    /// Somebody wants something.
    Submit(Wish),
    /// Events with decisions in them, or events of other processes.
    Committed(Vec<Envelope>),
    /// A wish was seen to, or may be tried again.
    Reacted { run: RunId, started: Started },
    /// A worker came to its end, with what it had not read.
    Ended { run: RunId, inbox: mpsc::UnboundedReceiver<worker::Message> },
}

pub(super) struct Supervisor {
    core: Arc<Core>,
    tasks: TaskTracker,
    /// Runs that things want, and that are being started or have been.
    wanted: BTreeSet<RunId>,
    active: HashMap<RunId, mpsc::UnboundedSender<worker::Message>>,
    ended: mpsc::UnboundedSender<Message>,
    from_workers: mpsc::UnboundedReceiver<Message>,
}

impl Supervisor {
    pub(super) fn new(core: Arc<Core>, tasks: TaskTracker) -> Self {
        let (ended, from_workers) = mpsc::unbounded_channel();
        Self { core, tasks, wanted: BTreeSet::new(), active: HashMap::new(), ended, from_workers }
    }

    pub(super) async fn run(mut self, mut messages: mpsc::UnboundedReceiver<Message>) {
        let mut swept = Instant::now();
        // A clerk has nothing to take up and lets nothing expire.
        let mut next = if self.core.role == Role::Clerk { swept + LONG } else { swept };
        loop {
            tokio::select! {
                biased;
                () = self.core.stopping.cancelled() => return,
                // Before the messages, which may never pause: what is due must not wait for that.
                () = tokio::time::sleep_until(next) => {
                    self.ask_what_is_due();
                    self.sweep();
                    swept = Instant::now();
                    next = self.time_of_next(swept);
                    continue;
                }
                Some(message) = self.from_workers.recv() => self.handle(message),
                Some(message) = messages.recv() => self.handle(message),
            }
            // Looking through all runs after every message would cost more than the message.
            if self.core.role != Role::Clerk {
                next = next.min(swept + SWEEP);
            }
        }
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Submit(wish) => self.submit(wish),
            Message::Committed(envelopes) => {
                let committed = self.core.committed();
                let wanted: Vec<_> = envelopes.iter().flat_map(|event| engine::react(&committed, event)).collect();
                let wanted = self.ours(&committed, wanted);
                drop(committed);
                self.react(wanted);
                let runs: BTreeSet<_> = envelopes.iter().filter_map(|envelope| self.run_to_wake(envelope)).collect();
                runs.into_iter().for_each(|run| self.wake(run));
            }
            Message::Reacted { run, started: Started::NotYet } => drop(self.wanted.remove(&run)),
            Message::Reacted { started: Started::Yes, .. } => {}
            Message::Ended { run, mut inbox } => {
                self.active.remove(&run);
                inbox.close();
                while let Ok(message) = inbox.try_recv() {
                    self.send(run, message);
                }
            }
        }
    }

    /// A command about a run goes through the run's worker, so that the decision and what follows share a commit.
    fn submit(&mut self, wish: Wish) {
        let staging = self.core.staging();
        let run = staging.run_of(wish.command.stream()).filter(|run| self.core.role.works_on(&staging, *run));
        drop(staging);
        match run {
            Some(run) => self.send(run, worker::Message::Submit(wish)),
            None => {
                let core = self.core.clone();
                self.tasks.spawn(async move { core.fulfil(wish).await });
            }
        }
    }

    /// What of it this process starts.
    fn ours(&self, snapshot: &Snapshot, mut wanted: Vec<Wanted>) -> Vec<Wanted> {
        wanted.retain(|wanted| self.core.role.starts_for(snapshot, wanted.of));
        wanted
    }

    /// Starts the runs that things want, each once.
    fn react(&mut self, wanted: Vec<Wanted>) {
        let Some(starter) = self.core.starter.clone() else { return };
        for wanted in wanted {
            if !self.wanted.insert(wanted.run()) {
                continue;
            }
            let (core, starter, ended) = (self.core.clone(), starter.clone(), self.ended.clone());
            self.tasks.spawn(async move {
                let started = react::start(&core, &*starter, &wanted).await;
                if started == Started::NotYet {
                    tokio::select! {
                        () = core.stopping.cancelled() => return,
                        () = tokio::time::sleep(WANTED_AGAIN) => {}
                    }
                }
                // Nobody listens once the program ends.
                let _ = ended.send(Message::Reacted { run: wanted.run(), started });
            });
        }
    }

    /// The run that an event gives something to do.
    fn run_to_wake(&self, envelope: &Envelope) -> Option<RunId> {
        self.core.committed().run_of(envelope.stream).filter(|_| envelope.event.wakes())
    }

    fn wake(&mut self, run: RunId) {
        let is_ours = self.core.role.works_on(&self.core.committed(), run);
        if is_ours {
            self.send(run, worker::Message::Look);
        }
    }

    fn send(&mut self, run: RunId, message: worker::Message) {
        let message = match self.active.get(&run) {
            Some(worker) => match worker.send(message) {
                Ok(()) => return,
                Err(unsent) => unsent.0,
            },
            None => message,
        };
        let (sender, inbox) = mpsc::unbounded_channel();
        // The receiver is held right here, so this cannot fail.
        let _ = sender.send(message);
        self.active.insert(run, sender);
        let (at_work, ended) = (AtWork::begins(&self.core), self.ended.clone());
        // In a task of its own, so that its end is noticed however it ends.
        let working = tokio::spawn(worker::work(self.core.clone(), run, inbox));
        self.tasks.spawn(async move {
            let inbox = working.await.unwrap_or_else(|error| {
                tracing::error!(%error, %run, "a worker ended unexpectedly; its run will be taken up again");
                mpsc::unbounded_channel().1
            });
            drop(at_work);
            // Nobody listens once the program ends.
            let _ = ended.send(Message::Ended { run, inbox });
        });
    }

    /// Takes up runs that have something to do and nobody doing it.
    fn sweep(&mut self) {
        let wanted = self.left_to_start();
        self.react(wanted);
        for run in self.unattended() {
            self.send(run, worker::Message::Look);
        }
    }

    fn left_to_start(&self) -> Vec<Wanted> {
        let committed = self.core.committed();
        self.ours(&committed, engine::left_to_start(&committed))
    }

    fn unattended(&self) -> Vec<RunId> {
        let committed = self.core.committed();
        let is_ours = |run: &Run| self.core.role.works_on(&committed, run.id) && !self.active.contains_key(&run.id);
        let idle = |run: &&Run| is_ours(run) && has_work(&committed, run);
        committed.runs.values().filter(idle).map(|run| run.id).collect()
    }

    fn ask_what_is_due(&self) {
        let now = self.core.clock.now();
        let due: Vec<_> = self.core.committed().due().filter(|(due, _)| *due <= now).collect();
        for (_, command) in due {
            let core = self.core.clone();
            self.tasks.spawn(async move {
                // Somebody may have decided, or another process have seen to it, in the same moment.
                let _ = core.commit(vec![(command, Actor::System)], None).await;
            });
        }
    }

    /// When time alone asks for something next, as things stand. Counted from the last sweep, so that no message puts
    /// it off.
    fn time_of_next(&self, swept: Instant) -> Instant {
        if self.core.role == Role::Clerk {
            return swept + LONG;
        }
        let now = self.core.clock.now();
        let due = self.core.committed().due().map(|(due, _)| due).min();
        let until_due = due.map_or(LONG, |due| (due - now).to_std().unwrap_or_default().min(LONG));
        let is_wanted = |wanted: &Wanted| !self.wanted.contains(&wanted.run());
        let waits = self.core.starter.is_some() && self.left_to_start().iter().any(is_wanted);
        let sweep = if waits || !self.unattended().is_empty() { swept + SWEEP } else { swept + LONG };
        // What could not be saved is asked again, but not at once.
        (Instant::now() + until_due).max(swept + DUE_AGAIN).min(sweep)
    }
}

/// Whether a run can go on without anybody deciding anything.
fn has_work(snapshot: &Snapshot, run: &Run) -> bool {
    if run.state.is_final() {
        return false;
    }
    let delegated = |wanted: fn(&Option<DelegateEnd>) -> bool| {
        let is = |open: &OpenCall| matches!(&open.stage, CallStage::Delegated { ended, .. } if wanted(ended));
        run.open_calls.iter().any(is)
    };
    let decided = run.awaited().any(|id| snapshot.approvals.get(&id).is_none_or(|approval| !approval.state.is_open()));
    if run.cancelling.is_some() || run.is_busy() {
        return true;
    }
    let requested = run.open_calls.iter().any(|open| matches!(open.stage, CallStage::Requested));
    let waits = run.awaited().next().is_some() || delegated(Option::is_none);
    let decided = decided || delegated(Option::is_some);
    run.state != RunState::Paused && (decided || (!waits && (requested || run.open_calls.is_empty())))
}
