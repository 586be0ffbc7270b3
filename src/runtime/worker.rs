//! Carries one run from one waiting to the next: prepares, decides, performs, and records the outcome.
//!
//! It holds the run's lease while it lives. When the run waits for a person it ends, and the run costs rows only.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::boundary::Going;
use super::core::{Committed, Core, Wish, stopped};
use super::perform::{Ends, Outcome};
use super::tenure::Tenure;
use super::{edit, perform, prepare};
use crate::domain::{Actor, IdempotencyKey, Rejection, RejectionKind, Repeat, RunId, RunState};
use crate::engine;
use crate::engine::{Effect, TakeUp};
use crate::kinds::{CallPreparation, Command, Envelope, PreparedCall, Report};

/// Pause before an outcome that could not be saved is offered again.
const SAVE_AGAIN: Duration = Duration::from_secs(1);
/// How long an outcome waits for the dry run of what comes after it, so that both share a commit. Longer would keep
/// it from the disk, and a crash meanwhile would leave it unknown.
const PREPARE_AHEAD: Duration = Duration::from_millis(100);
/// How long what is cut off when the program ends may take to end by itself.
const CUT_OFF: Duration = Duration::from_millis(200);

pub(super) enum Message {
    Submit(Wish),
    /// Something the run waits for may have happened.
    Look,
}

type Inbox = mpsc::UnboundedReceiver<Message>;
type Reply = Option<oneshot::Sender<Committed>>;

/// Works on a run until it ends or waits; gives back the inbox with what was not read.
pub(super) async fn work(core: Arc<Core>, run: RunId, mut inbox: Inbox) -> Inbox {
    match Tenure::take(&core, run).await {
        Some(tenure) => {
            let mut worker = Worker::new(core, run, tenure);
            worker.carry_on(&mut inbox).await;
            worker.leave().await;
        }
        None => relay(&core, &mut inbox).await,
    }
    inbox
}

/// Another process works on the run: decisions are written here and acted on there.
async fn relay(core: &Core, inbox: &mut Inbox) {
    while let Ok(message) = inbox.try_recv() {
        if let Message::Submit(wish) = message {
            core.fulfil(wish).await;
        }
    }
}

struct Worker {
    core: Arc<Core>,
    run: RunId,
    tenure: Tenure,
    inflight: JoinSet<Outcome>,
    /// Effects under way that must not be cut off.
    unrepeatable: usize,
    cancel: CancellationToken,
    /// Whether the run is paused, which an answer under way heeds.
    going: watch::Sender<Going>,
    /// Calls prepared ahead of the event that requests them.
    ahead: Vec<PreparedCall>,
}

/// What is to be decided next, and who waits to hear of it.
#[derive(Default)]
struct Asked {
    commands: Vec<(Command, Actor)>,
    /// Of the first of them, where it may arrive twice.
    key: Option<IdempotencyKey>,
    reply: Reply,
}

impl From<Message> for Asked {
    fn from(message: Message) -> Self {
        match message {
            Message::Submit(Wish { command, by, key, reply }) => {
                Self { commands: vec![(*command, by)], key, reply: Some(reply) }
            }
            Message::Look => Self::default(),
        }
    }
}

/// Whether anything came of a decision.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Made,
    None,
    /// The run is somebody else's now.
    Lost,
}

impl Worker {
    fn new(core: Arc<Core>, run: RunId, tenure: Tenure) -> Self {
        // Not a child of `stopping`: what must not be cut off is waited for when the program ends.
        let cancel = CancellationToken::new();
        let going = watch::Sender::new(Going::On);
        Self { core, run, tenure, inflight: JoinSet::new(), unrepeatable: 0, cancel, going, ahead: Vec::new() }
    }

    async fn carry_on(&mut self, inbox: &mut Inbox) {
        if let Err(rejection) = self.recover().await {
            // The run is looked at again soon; callers are told now, by the store itself.
            tracing::warn!(%rejection, run = %self.run, "could not take up what was under way");
            return relay(&self.core, inbox).await;
        }
        let mut asked = inbox.try_recv().map(Asked::from).unwrap_or_default();
        loop {
            // A changed call is prepared from the run's history, which the first commit opens.
            if edit::among(&asked.commands).is_some() && !self.has_history() {
                self.decide(Asked::default(), inbox).await;
            }
            let progress = self.decide(asked, inbox).await;
            if progress == Progress::Lost {
                return;
            }
            self.heed_people();
            // What was only settled, such as a refused call, leads on at once.
            let more =
                || self.inflight.is_empty() || !engine::calls_to_prepare(&self.core.staging(), self.run).is_empty();
            asked = if progress == Progress::Made && more() {
                Asked::default()
            } else {
                match self.wait(inbox).await {
                    Some(asked) => asked,
                    None => return,
                }
            };
        }
    }

    /// What an earlier worker had begun: repeated, checked, or put in doubt.
    async fn recover(&mut self) -> Result<(), Rejection> {
        let was_busy = self.core.staging().runs.get(&self.run).is_some_and(|run| run.is_busy());
        if !was_busy {
            return Ok(());
        }
        // Before anything else is done there, and before it is said that all is well.
        let left = perform::clear_up(&self.core, self.run).await;
        // Alone in its commit: nothing that begins in it could then be mistaken for something left by another. And
        // committed before looking, for only then is what is left in the snapshot also what is left on disk.
        self.core
            .commit(
                vec![(Command::Report(Report::Recover { run: self.run, left }), Actor::System)],
                Some(self.tenure.fence()),
            )
            .await?;
        self.heed_people();
        let left = engine::effects_left(&self.core.staging(), self.run);
        for (effect, how) in left {
            self.take_up(effect, how);
        }
        Ok(())
    }

    /// Tells what is under way whether the run is still wanted.
    fn heed_people(&self) {
        let staging = self.core.staging();
        let Some(run) = staging.runs.get(&self.run) else { return };
        if run.cancelling.is_some() {
            self.cancel.cancel();
        }
        let now = if run.state == RunState::Paused { Going::ToStop } else { Going::On };
        self.going.send_if_modified(|going| std::mem::replace(going, now) != now);
    }

    /// Commits what is asked, and with it whatever can come next; begins what that leads to.
    async fn decide(&mut self, asked: Asked, inbox: &mut Inbox) -> Progress {
        let Asked { mut commands, key, reply } = asked;
        let wish = commands.first().filter(|_| reply.is_some()).cloned();
        // A worker's first commit opens the run's history. Only then can it be seen which calls are to be prepared.
        let was_open = self.has_history();
        match self.prepare(&commands).await {
            Ok(prepared) => {
                commands.push((Command::Report(Report::Proceed { run: self.run, prepared }), Actor::System))
            }
            // The program ends: outcomes are still saved, nothing follows from it now.
            Err(_) if reply.is_none() && !commands.is_empty() => {}
            Err(rejection) => {
                answer(reply, Err(rejection));
                return Progress::None;
            }
        }
        match self.save(commands, key, &reply, inbox).await {
            Ok(committed) => {
                let progress = if committed.is_empty() && was_open { Progress::None } else { Progress::Made };
                self.begin(&committed);
                answer(reply, Ok(committed));
                progress
            }
            Err(rejection) if rejection.kind == RejectionKind::Stale => {
                if let Some(wish) = wish {
                    // Only the right to perform is lost. A decision stands without it; another worker acts on it.
                    let wish = self.core.redactor.commands(vec![wish]);
                    answer(reply, self.core.commit_redacted(wish, key, None).await);
                }
                match self.tenure.right().is_ours_in_the_store().await {
                    true => Progress::None,
                    false => Progress::Lost,
                }
            }
            Err(rejection) => {
                answer(reply, Err(rejection));
                Progress::None
            }
        }
    }

    /// The next thing to decide; `None` when nothing is under way any more, or must not be gone on with.
    async fn wait(&mut self, inbox: &mut Inbox) -> Option<Asked> {
        if self.inflight.is_empty() {
            return inbox.try_recv().ok().map(Asked::from);
        }
        tokio::select! {
            biased;
            Some(message) = inbox.recv() => Some(message.into()),
            Some(joined) = self.inflight.join_next() => {
                let commands = self.outcome(joined).await;
                if self.core.stopping.is_cancelled() {
                    self.save_last(commands).await;
                    return None;
                }
                Some(Asked { commands, ..Asked::default() })
            }
            () = self.tenure.lost() => None,
            () = self.core.stopping.cancelled(), if self.unrepeatable == 0 => None,
        }
    }

    fn has_history(&self) -> bool {
        self.core.staging().threads.contains_key(&self.run)
    }

    /// Dry runs may take long, and change nothing: one is not waited for when the program ends.
    async fn prepare(&mut self, commands: &[(Command, Actor)]) -> Result<Vec<PreparedCall>, Rejection> {
        let mut prepared = std::mem::take(&mut self.ahead);
        let preparing = async {
            if let Some(edit) = edit::among(commands) {
                prepared.extend(edit::dry_run(&self.core, self.run, edit).await?);
            }
            let waiting = engine::calls_to_prepare(&self.core.staging(), self.run);
            prepared.extend(prepare::prepare_in_order(&self.core, self.run, waiting).await);
            Ok(prepared)
        };
        tokio::select! {
            biased;
            () = self.core.stopping.cancelled() => Err(stopped()),
            prepared = preparing => prepared,
        }
    }

    /// Commits. What nobody waits for is offered until the store takes it: an outcome must not be lost.
    async fn save(
        &mut self,
        commands: Vec<(Command, Actor)>,
        key: Option<IdempotencyKey>,
        reply: &Reply,
        inbox: &mut Inbox,
    ) -> Committed {
        let commands = self.core.redactor.commands(commands);
        loop {
            match self.core.commit_redacted(commands.clone(), key, Some(self.tenure.fence())).await {
                Err(rejection) if rejection.kind == RejectionKind::NotSaved && reply.is_none() => {
                    self.sit_out(&rejection, inbox).await?;
                }
                other => return other,
            }
        }
    }

    /// Waits before the store is tried again. Who asks something meanwhile is told that it is not saved.
    async fn sit_out(&self, rejection: &Rejection, inbox: &mut Inbox) -> Result<(), Rejection> {
        let pause = tokio::time::sleep(SAVE_AGAIN);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return Ok(()),
                Some(message) = inbox.recv() => answer(Asked::from(message).reply, Err(rejection.clone())),
                () = self.tenure.lost() => return Err(stale(rejection)),
                () = self.core.stopping.cancelled() => return Err(stopped()),
            }
        }
    }

    /// The program ends: the outcome is recorded, nothing follows from it now.
    async fn save_last(&mut self, mut commands: Vec<(Command, Actor)>) {
        loop {
            if !commands.is_empty()
                && let Err(rejection) = self.core.commit(std::mem::take(&mut commands), Some(self.tenure.fence())).await
            {
                tracing::error!(%rejection, run = %self.run, "an outcome was not saved before the program ended");
            }
            if self.unrepeatable == 0 {
                return;
            }
            match self.inflight.join_next().await {
                Some(joined) => commands = self.outcome(joined).await,
                None => return,
            }
        }
    }

    /// What was cut off is said to be, for the next worker of the run. Unsaved, it is taken for a death.
    async fn set_aside(&self) {
        if !self.core.committed().runs.get(&self.run).is_some_and(|run| run.is_busy()) {
            return;
        }
        let command = (Command::Report(Report::SetAside { run: self.run }), Actor::System);
        if let Err(rejection) = self.core.commit(vec![command], Some(self.tenure.fence())).await {
            tracing::debug!(%rejection, run = %self.run, "not set aside");
        }
    }

    fn begin(&mut self, envelopes: &[Envelope]) {
        for effect in envelopes.iter().flat_map(engine::effects_for) {
            self.start(effect);
        }
    }

    fn start(&mut self, effect: Effect) {
        if is_unrepeatable(&effect) {
            self.unrepeatable += 1;
        }
        let right = self.tenure.right().clone();
        let ends = Ends { cancel: self.cancel.clone(), going: self.going.subscribe() };
        self.inflight.spawn(perform::perform(self.core.clone(), right, effect, ends));
    }

    /// An effect begun by somebody who is gone. Looking whether it happened may be cut off.
    fn take_up(&mut self, effect: Effect, how: TakeUp) {
        match how {
            TakeUp::Repeat => self.start(effect),
            TakeUp::Look => drop(self.inflight.spawn(perform::find_out(self.core.clone(), effect))),
            TakeUp::AskAPerson => drop(self.inflight.spawn(async move { perform::doubt(&effect) })),
        }
    }

    async fn outcome(&mut self, joined: Result<Outcome, tokio::task::JoinError>) -> Vec<(Command, Actor)> {
        let outcome = match joined {
            Ok(outcome) => outcome,
            Err(error) => {
                // The effect stays open in the log; the next worker finds it and deals with it as after a crash.
                tracing::error!(%error, run = %self.run, "a task performing an effect ended unexpectedly");
                return Vec::new();
            }
        };
        if outcome.was_unrepeatable {
            self.unrepeatable = self.unrepeatable.saturating_sub(1);
        }
        if let Some(effect) = outcome.again.filter(|_| !self.core.stopping.is_cancelled()) {
            self.start(effect);
        }
        let Some(mut command) = outcome.command else { return Vec::new() };
        // Before what follows from it is prepared: that must be what the log will ask for.
        self.core.redactor.command(&mut command);
        self.prepare_ahead(&command).await;
        vec![(command, Actor::System)]
    }

    /// What the outcome will lead to is prepared now, so that the next effect starts in the same commit.
    async fn prepare_ahead(&mut self, command: &Command) {
        let Command::Report(report) = command else { return };
        let calls = match report {
            Report::TurnFinished { outcome, .. } => match outcome.as_ref() {
                Ok(reply) => {
                    let staging = self.core.staging();
                    let run = staging.runs.get(&self.run);
                    run.map(|run| engine::calls_of(&staging, run, reply)).unwrap_or_default()
                }
                Err(_) => return,
            },
            Report::EffectFinished { result, .. } if result.succeeded() => {
                engine::upcoming_call(&self.core.staging(), self.run).into_iter().collect()
            }
            Report::EffectFinished { .. }
            | Report::Proceed { .. }
            | Report::Drifted { .. }
            | Report::Doubt { .. }
            | Report::Recover { .. }
            | Report::SetAside { .. } => return,
        };
        let preparing = prepare::prepare_in_order(&self.core, self.run, calls);
        let Ok(prepared) = tokio::time::timeout(PREPARE_AHEAD, preparing).await else { return };
        let judged = |call: &PreparedCall| matches!(call.preparation, CallPreparation::Judged { .. });
        self.ahead = prepared.into_iter().filter(judged).collect();
    }

    async fn leave(mut self) {
        if self.core.stopping.is_cancelled() {
            // Told to end, a tool leaves things in order; dropped, it does not.
            self.cancel.cancel();
            let ending = async { while self.inflight.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(CUT_OFF, ending).await;
        }
        self.inflight.shutdown().await;
        if self.core.stopping.is_cancelled() {
            self.set_aside().await;
        }
        self.core.staging().threads.remove(&self.run);
        self.tenure.give_back().await;
    }
}

/// What was not saved belongs to a run that is no longer ours.
fn stale(rejection: &Rejection) -> Rejection {
    Rejection { kind: RejectionKind::Stale, ..rejection.clone() }
}

fn answer(reply: Reply, outcome: Committed) {
    if let Some(reply) = reply {
        let _ = reply.send(outcome);
    }
}

fn is_unrepeatable(effect: &Effect) -> bool {
    matches!(effect, Effect::Perform { card, .. } if card.repeat != Repeat::Repeatable)
}
