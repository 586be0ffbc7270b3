//! Handing commands to the writer, and clearing up after the runs that they ended.

use tokio::sync::oneshot;

use super::core::{Core, Job, stopped};
use super::perform;
use super::redact::Redacted;
use crate::domain::{Actor, Rejection, RunId};
use crate::kinds::{Command, Envelope, Event, RunEvent, Stream};
use crate::ports::Fence;

impl Core {
    /// Hands a job to the writer and waits until its events are on disk.
    pub(super) async fn commit(
        &self,
        commands: Vec<(Command, Actor)>,
        fence: Option<Fence>,
    ) -> Result<Vec<Envelope>, Rejection> {
        self.commit_redacted(self.redactor.commands(commands), fence).await
    }

    /// The same for commands that are offered more than once.
    pub(super) async fn commit_redacted(
        &self,
        commands: Redacted,
        fence: Option<Fence>,
    ) -> Result<Vec<Envelope>, Rejection> {
        let (reply, answer) = oneshot::channel();
        if self.jobs.send(Job { commands, fence, reply }).is_err() {
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
