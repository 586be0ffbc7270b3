//! The embedded orchestrator as a client.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::domain::{Actor, IdempotencyKey, Rejection, RejectionKind};
use crate::fold::Snapshot;
use crate::kinds::{Command, Envelope};
use crate::ports::{Answer, Client, ClientError, Feed, LogError, Page, Query, Status};
use crate::runtime::Runtime;

/// Reads and decides through the runtime in this process.
pub struct LocalClient {
    runtime: Arc<Runtime>,
    status: Mutex<Status>,
}

impl LocalClient {
    pub fn new(runtime: Arc<Runtime>, status: Status) -> Self {
        Self { runtime, status: Mutex::new(status) }
    }

    /// Takes in a fact about the source that was found out after the start.
    pub fn learn(&self, learn: impl FnOnce(&mut Status)) {
        learn(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[async_trait]
impl Client for LocalClient {
    async fn open(&self) -> Result<(Snapshot, Feed), ClientError> {
        Ok(self.runtime.open())
    }

    async fn query(&self, query: Query) -> Result<Answer, ClientError> {
        let log = self.runtime.log();
        Ok(match query {
            Query::Stream { stream, after, limit } => {
                let rows = log.read_stream(stream, after, limit).await?;
                Answer::Events(Page { more: rows.len() == limit as usize, rows })
            }
            Query::LogBefore { before, limit } => Answer::Events(log.read_back(before, limit, None).await?),
            Query::Search { text, before, limit } => Answer::Events(log.read_back(before, limit, Some(&text)).await?),
            Query::Blob { blob } => Answer::Blob(log.get_blob(&blob).await?),
            Query::Rows(wanted) => Answer::Rows(log.rows(wanted).await?),
        })
    }

    async fn submit(&self, command: Command, by: Actor) -> Result<Vec<Envelope>, Rejection> {
        if let Some(hint) = self.status().observe.hint() {
            return Err(Rejection::new(RejectionKind::NotAllowed, "this console only observes").hint(hint));
        }
        self.runtime.submit(command, by).await
    }

    async fn submit_once(&self, key: IdempotencyKey, command: Command, by: Actor) -> Result<Vec<Envelope>, Rejection> {
        self.runtime.submit_once(key, command, by).await
    }

    async fn outcome_of(&self, key: &IdempotencyKey) -> Result<Option<Vec<Envelope>>, Rejection> {
        self.runtime.outcome_of(key).await
    }

    fn status(&self) -> Status {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl From<LogError> for ClientError {
    fn from(error: LogError) -> Self {
        Self { message: error.message, hint: error.hint }
    }
}
