//! The only writer: decides, appends, performs effects, recovers.
//!
//! `writer` turns commands into committed events, many at a time; `supervisor` knows which runs this process works
//! on and when time alone asks for something; `worker` carries one run from one waiting to the next; `perform` does
//! what committed events ask for. A run that waits for a person has no task here.

mod boundary;
mod commit;
mod core;
mod edit;
mod feed;
mod open;
mod outputs;
mod parts;
mod perform;
mod prepare;
mod prune;
mod react;
mod rebuild;
mod redact;
mod slowness;
mod supervisor;
mod tenure;
mod turns;
mod worker;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::{Actor, IdempotencyKey, Rejection, RejectionKind};
use crate::fold::Snapshot;
use crate::kinds::{Command, Envelope};
use crate::ports::{Answered, Feed, Log, LogError};

pub use outputs::{OutputsReport, check_outputs};
pub use parts::{Parts, Role, Tools};
pub use prepare::judged;
pub use prune::{PrunePlan, PrunePortion, keep_named_outputs, plan_prune};
pub use rebuild::{RebuildReport, compare_rows, rebuild};
pub use redact::Redactor;
pub use turns::{Turns, change_accounts};

use self::core::Core;

/// A running orchestrator. Dropping it stops nothing; call `shut_down`.
pub struct Runtime {
    core: Arc<Core>,
    supervisor: mpsc::UnboundedSender<supervisor::Message>,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Runtime {
    /// Loads what is live, and goes on with the runs that were under way.
    pub async fn start(parts: Parts) -> Result<Self, LogError> {
        let stopping = CancellationToken::new();
        let tasks = TaskTracker::new();
        let (jobs, waiting_jobs) = mpsc::unbounded_channel();
        let (supervisor, messages) = mpsc::unbounded_channel();
        let snapshot = open::load(parts.log.as_ref()).await?;
        let core = Arc::new(Core::new(parts, snapshot, jobs, stopping.clone()));
        tasks.spawn(writer::Writer::new(core.clone(), supervisor.clone()).run(waiting_jobs));
        tasks.spawn(supervisor::Supervisor::new(core.clone(), tasks.clone()).run(messages));
        Ok(Self { core, supervisor, tasks, stopping })
    }

    /// What is live, and the feed from exactly there on.
    pub fn open(&self) -> (Snapshot, Feed) {
        self.core.open()
    }

    pub fn log(&self) -> &Arc<dyn Log> {
        &self.core.log
    }

    /// For what is appended together with a change of what is kept beside the log.
    pub fn turns(&self) -> Turns {
        self.core.turns()
    }

    /// Carries a command out. Returns the events it led to, once they are on disk.
    pub async fn submit(&self, command: Command, by: Actor) -> Result<Vec<Envelope>, Rejection> {
        self.ask(command, by, None).await.map_err(|rejection| self.core.redactor.rejection(rejection))
    }

    /// The same of a command that may arrive twice, in this process or another: it is carried out once, and answered with
    /// the same events each time.
    pub async fn submit_once(
        &self,
        key: IdempotencyKey,
        command: Command,
        by: Actor,
    ) -> Result<Vec<Envelope>, Rejection> {
        if let Some(events) = self.outcome_of(&key).await? {
            return Ok(events);
        }
        match self.ask(command, by, Some(key)).await {
            Ok(events) => Ok(events),
            // It may have been carried out between the look and the try, or have been saved without our hearing of it.
            Err(rejection) => match self.outcome_of(&key).await {
                Ok(None) | Err(_) => Err(self.core.redactor.rejection(rejection)),
                Ok(Some(events)) => Ok(events),
            },
        }
    }

    /// What came of a request, if it was carried out before; refused where something else was asked under its id.
    pub async fn outcome_of(&self, key: &IdempotencyKey) -> Result<Option<Vec<Envelope>>, Rejection> {
        let not_known = |error: LogError| {
            let message = format!("it is not known whether this was carried out before: {}", error.message);
            Rejection::new(RejectionKind::NotSaved, message).hint(error.hint)
        };
        let log = &self.core.log;
        match log.answer_to(key).await.map_err(not_known)? {
            None => Ok(None),
            Some(answered) if answered.key != *key => {
                let message = "something else was asked for under this id before";
                Err(Rejection::new(RejectionKind::Invalid, message).hint("give each request its own id"))
            }
            Some(Answered { events: 0, .. }) => Ok(Some(Vec::new())),
            Some(answered) => log.read(answered.first - 1, answered.events).await.map(Some).map_err(not_known),
        }
    }

    async fn ask(&self, command: Command, by: Actor, key: Option<IdempotencyKey>) -> core::Committed {
        let mut command = Box::new(command);
        self.core.redactor.command(&mut command);
        edit::check(&self.core, &command)?;
        let (reply, answer) = tokio::sync::oneshot::channel();
        let message = supervisor::Message::Submit(core::Wish { command, by, key, reply });
        if self.supervisor.send(message).is_err() {
            return Err(core::stopped());
        }
        answer.await.unwrap_or_else(|_| Err(core::stopped()))
    }

    /// Ends in order: nothing new begins, what may be repeated is dropped, what may not gets `grace` to finish.
    pub async fn shut_down(&self, grace: Duration) {
        self.stopping.cancel();
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_ok() {
            return;
        }
        match self.core.is_working() {
            true => tracing::warn!(
                "some effects were still under way when the program ended; they will be settled at the next start"
            ),
            false => tracing::warn!("the store did not answer to the end; what was saved is saved"),
        }
    }
}
