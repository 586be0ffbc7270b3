//! Carries one run from one waiting to the next: prepares, decides, performs, and records what came of it.
//!
//! It holds the run's lease while it lives. When the run waits for a person it ends, and the run costs rows only.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::core::Core;
use super::core::stopped;
use super::perform;
use super::perform::Outcome;
use super::prepare;
use crate::domain::Actor;
use crate::domain::CallPreparation;
use crate::domain::Command;
use crate::domain::Envelope;
use crate::domain::PreparedCall;
use crate::domain::Rejection;
use crate::domain::RejectionKind;
use crate::domain::Repeat;
use crate::domain::RunId;
use crate::engine;
use crate::engine::Effect;
use crate::ports::Fence;
use crate::ports::Lease;

/// How long a lease lasts, and how often it is renewed.
const LEASE: Duration = Duration::from_secs(4);
const RENEW: Duration = Duration::from_secs(1);
/// Pause before an outcome that could not be saved is offered again.
const SAVE_AGAIN: Duration = Duration::from_secs(1);

pub(super) enum Message {
    Submit {
        command: Box<Command>,
        by: Actor,
        reply: oneshot::Sender<Result<Vec<Envelope>, Rejection>>,
    },
    /// Something the run waits for may have happened.
    Look,
}

/// Works on a run until it ends or waits; gives back the inbox with what was not read.
pub(super) async fn work(
    core: Arc<Core>,
    run: RunId,
    mut inbox: mpsc::UnboundedReceiver<Message>,
) -> mpsc::UnboundedReceiver<Message> {
    match claim(&core, run).await {
        Some(lease) => {
            let mut worker = Worker::new(core, run, lease);
            worker.carry_on(&mut inbox).await;
            worker.leave().await;
        }
        None => relay(&core, &mut inbox).await,
    }
    inbox
}

/// Another process works on the run: decisions are written here and acted on there.
async fn relay(core: &Core, inbox: &mut mpsc::UnboundedReceiver<Message>) {
    while let Ok(message) = inbox.try_recv() {
        if let Message::Submit { command, by, reply } = message {
            let _ = reply.send(core.commit(vec![(*command, by)], None).await);
        }
    }
}

async fn claim(core: &Core, run: RunId) -> Option<Lease> {
    let now = core.clock.now();
    match core.log.claim(run, &core.owner, now, now + LEASE).await {
        Ok(lease) => lease,
        Err(error) => {
            tracing::warn!(%error, %run, "could not claim the run");
            None
        }
    }
}

struct Worker {
    core: Arc<Core>,
    run: RunId,
    lease: Lease,
    inflight: JoinSet<Outcome>,
    /// Effects under way that must not be cut off.
    unrepeatable: usize,
    cancel: CancellationToken,
    /// Calls prepared ahead of the event that requests them.
    ahead: Vec<PreparedCall>,
}

type Reply = Option<oneshot::Sender<Result<Vec<Envelope>, Rejection>>>;

impl Worker {
    fn new(core: Arc<Core>, run: RunId, lease: Lease) -> Self {
        // Not a child of `stopping`: what must not be cut off is waited for when the program ends.
        let cancel = CancellationToken::new();
        Self { core, run, lease, inflight: JoinSet::new(), unrepeatable: 0, cancel, ahead: Vec::new() }
    }

    async fn carry_on(&mut self, inbox: &mut mpsc::UnboundedReceiver<Message>) {
        let (mut commands, mut reply) = self.begin_with(inbox).await;
        let mut renew = tokio::time::interval_at(tokio::time::Instant::now() + RENEW, RENEW);
        loop {
            let prepared = self.prepare().await;
            commands.push((Command::Proceed { run: self.run, prepared }, Actor::System));
            let committed = match self.save(std::mem::take(&mut commands), reply.is_some()).await {
                Ok(envelopes) => envelopes,
                Err(rejection) => {
                    let is_fatal = rejection.kind == RejectionKind::Stale;
                    answer(reply.take(), Err(rejection));
                    if is_fatal {
                        return;
                    }
                    Vec::new()
                }
            };
            let progressed = !committed.is_empty();
            self.begin(&committed);
            answer(reply.take(), Ok(committed));
            if self.core.staging().runs.get(&self.run).is_some_and(|run| run.cancelling.is_some()) {
                self.cancel.cancel();
            }
            // What was only settled, such as a refused call, leads on at once.
            let leads_on = || !engine::calls_to_prepare(&self.core.staging(), self.run).is_empty();
            if progressed && (self.inflight.is_empty() || leads_on()) {
                continue;
            }
            if self.inflight.is_empty() {
                match inbox.try_recv() {
                    Ok(message) => (commands, reply) = self.receive(message),
                    Err(_) => return,
                }
                continue;
            }
            loop {
                tokio::select! {
                    biased;
                    Some(message) = inbox.recv() => {
                        (commands, reply) = self.receive(message);
                        break;
                    }
                    Some(joined) = self.inflight.join_next() => {
                        commands = self.outcome(joined).await;
                        if self.core.stopping.is_cancelled() {
                            return self.save_last(commands).await;
                        }
                        break;
                    }
                    _ = renew.tick() => {
                        if !self.renew().await {
                            return;
                        }
                    }
                    () = self.core.stopping.cancelled(), if self.unrepeatable == 0 => return,
                }
            }
        }
    }

    /// The first message, and recovery of what an earlier worker had begun.
    async fn begin_with(&mut self, inbox: &mut mpsc::UnboundedReceiver<Message>) -> (Vec<(Command, Actor)>, Reply) {
        let (commands, reply) = match inbox.try_recv() {
            Ok(message) => self.receive(message),
            Err(_) => (Vec::new(), None),
        };
        let recover = vec![
            (Command::Recover { run: self.run }, Actor::System),
            (Command::Proceed { run: self.run, prepared: Vec::new() }, Actor::System),
        ];
        let was_busy = self.core.staging().runs.get(&self.run).is_some_and(|run| run.is_busy());
        if was_busy {
            match self.core.commit(recover, self.fence()).await {
                Ok(envelopes) => self.begin(&envelopes),
                Err(rejection) => tracing::warn!(%rejection, run = %self.run, "recovery was not saved"),
            }
            let left = engine::effects_left(&self.core.staging(), self.run);
            for effect in left {
                self.take_up(effect);
            }
        }
        (commands, reply)
    }

    fn receive(&mut self, message: Message) -> (Vec<(Command, Actor)>, Reply) {
        match message {
            Message::Submit { command, by, reply } => (vec![(*command, by)], Some(reply)),
            Message::Look => (Vec::new(), None),
        }
    }

    async fn prepare(&mut self) -> Vec<PreparedCall> {
        let mut prepared = std::mem::take(&mut self.ahead);
        let waiting = engine::calls_to_prepare(&self.core.staging(), self.run);
        prepared.extend(prepare::prepare_in_order(&self.core, self.run, waiting).await);
        prepared
    }

    fn fence(&self) -> Option<Fence> {
        Some(Fence { run: self.run, token: self.lease.token })
    }

    /// Commits. What nobody waits for is offered until the store takes it: an outcome must not be lost.
    async fn save(
        &mut self,
        commands: Vec<(Command, Actor)>,
        somebody_waits: bool,
    ) -> Result<Vec<Envelope>, Rejection> {
        loop {
            match self.core.commit(commands.clone(), self.fence()).await {
                Err(rejection) if rejection.kind == RejectionKind::NotSaved && !somebody_waits => {
                    tokio::select! {
                        () = tokio::time::sleep(SAVE_AGAIN) => {
                            if !self.renew().await {
                                return Err(rejection);
                            }
                        }
                        () = self.core.stopping.cancelled() => return Err(stopped()),
                    }
                }
                other => return other,
            }
        }
    }

    /// The program ends: the outcome is recorded, nothing follows from it now.
    async fn save_last(&mut self, mut commands: Vec<(Command, Actor)>) {
        loop {
            if !commands.is_empty()
                && let Err(rejection) = self.core.commit(std::mem::take(&mut commands), self.fence()).await
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

    fn begin(&mut self, envelopes: &[Envelope]) {
        for effect in envelopes.iter().flat_map(engine::effects_for) {
            self.start(effect);
        }
    }

    fn start(&mut self, effect: Effect) {
        if is_unrepeatable(&effect) {
            self.unrepeatable += 1;
        }
        self.inflight.spawn(perform::perform(self.core.clone(), effect, self.cancel.clone()));
    }

    /// An effect begun by somebody who is gone: repeated, checked, or put in doubt.
    fn take_up(&mut self, effect: Effect) {
        match &effect {
            Effect::Perform { card, .. } if card.repeat != Repeat::Repeatable => {
                self.unrepeatable += 1;
                self.inflight.spawn(perform::find_out(self.core.clone(), effect));
            }
            Effect::Perform { .. } | Effect::CallModel { .. } => self.start(effect),
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
        if let Some(effect) = outcome.again {
            self.start(effect);
        }
        let Some(command) = outcome.command else { return Vec::new() };
        self.prepare_ahead(&command).await;
        vec![(command, Actor::System)]
    }

    /// What the outcome will lead to is prepared now, so that the next effect starts in the same commit.
    async fn prepare_ahead(&mut self, command: &Command) {
        let calls = match command {
            Command::TurnFinished { outcome, .. } => match outcome.as_ref() {
                Ok(reply) => {
                    let staging = self.core.staging();
                    staging.runs.get(&self.run).map(|run| engine::calls_of(run, reply)).unwrap_or_default()
                }
                Err(_) => return,
            },
            Command::EffectFinished { result, .. } if result.succeeded() => {
                engine::upcoming_call(&self.core.staging(), self.run).into_iter().collect()
            }
            _ => return,
        };
        let prepared = prepare::prepare_in_order(&self.core, self.run, calls).await;
        let judged = |call: &PreparedCall| matches!(call.preparation, CallPreparation::Judged { .. });
        self.ahead = prepared.into_iter().filter(judged).collect();
    }

    /// Whether the run is still ours. A store that takes no writes renews nothing, but takes nothing away either:
    /// the next append shows the fence.
    async fn renew(&mut self) -> bool {
        let now = self.core.clock.now();
        match self.core.log.claim(self.run, &self.core.owner, now, now + LEASE).await {
            Ok(Some(lease)) if lease.token == self.lease.token => self.lease = lease,
            Ok(_) => {
                tracing::warn!(run = %self.run, "lost the lease; another worker goes on");
                return false;
            }
            Err(error) => tracing::debug!(%error, run = %self.run, "could not renew the lease"),
        }
        true
    }

    async fn leave(self) {
        self.core.staging().threads.remove(&self.run);
        if let Err(error) = self.core.log.release(&self.lease).await {
            tracing::debug!(%error, run = %self.run, "could not release the lease; it will run out");
        }
    }
}

fn answer(reply: Reply, outcome: Result<Vec<Envelope>, Rejection>) {
    if let Some(reply) = reply {
        let _ = reply.send(outcome);
    }
}

fn is_unrepeatable(effect: &Effect) -> bool {
    matches!(effect, Effect::Perform { card, .. } if card.repeat != Repeat::Repeatable)
}
