//! Handing commands to the writer, and clearing up after the runs that they ended.

use tokio::sync::oneshot;

use super::core::{Committed, Core, Job, Task, Wish, stopped};
use super::perform;
use super::redact::Redacted;
use super::turns::Turns;
use crate::domain::{Actor, IdempotencyKey, RunId};
use crate::kinds::{Command, Envelope, Event, RunEvent, Stream};
use crate::ports::Fence;

impl Core {
    /// Hands a job to the writer and waits until its events are on disk.
    pub(super) async fn commit(&self, commands: Vec<(Command, Actor)>, fence: Option<Fence>) -> Committed {
        self.commit_redacted(self.redactor.commands(commands), None, fence).await
    }

    /// Carries out what somebody wants, and nothing besides.
    pub(super) async fn fulfil(&self, wish: Wish) {
        let Wish { command, by, key, reply } = wish;
        let commands = self.redactor.commands(vec![(*command, by)]);
        let _ = reply.send(self.commit_redacted(commands, key, None).await);
    }

    pub(super) fn turns(&self) -> Turns {
        Turns::of(self.jobs.clone())
    }

    /// As `commit`, for commands that are offered more than once.
    pub(super) async fn commit_redacted(
        &self,
        commands: Redacted,
        key: Option<IdempotencyKey>,
        fence: Option<Fence>,
    ) -> Committed {
        let (reply, answer) = oneshot::channel();
        if self.jobs.send(Task::Job(Job { commands, key, fence, reply })).is_err() {
            return Err(stopped());
        }
        let outcome = answer.await.unwrap_or_else(|_| Err(stopped()));
        for run in outcome.iter().flatten().filter_map(ended) {
            perform::clear_up(self, run).await;
        }
        outcome
    }
}

/// The run that has ended with an event.
fn ended(envelope: &Envelope) -> Option<RunId> {
    let (Event::Run(event), Stream::Run(run)) = (&envelope.event, envelope.stream) else { return None };
    let ends = matches!(event, RunEvent::Succeeded { .. } | RunEvent::Failed { .. } | RunEvent::Cancelled { .. });
    ends.then_some(run)
}
