//! The embedded orchestrator as a client.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use secrecy::SecretString;

use crate::domain::{Actor, IdempotencyKey, IncidentId, Rejection, RejectionKind};
use crate::fold::Snapshot;
use crate::kinds::{Command, Envelope, Incident, RowKind};
use crate::ports::{
    Answer, Chart, Charts, Client, ClientError, Feed, LinkOrder, LogError, Page, Payments, Query, RowFilter, RowQuery,
    Status,
};
use crate::runtime::Runtime;

/// Reads and decides through the runtime in this process.
pub struct LocalClient {
    runtime: Arc<Runtime>,
    status: Mutex<Status>,
    charts: Option<Arc<dyn Charts>>,
    payments: Option<Arc<dyn Payments>>,
}

impl LocalClient {
    pub fn new(runtime: Arc<Runtime>, status: Status) -> Self {
        Self { runtime, status: Mutex::new(status), charts: None, payments: None }
    }

    /// The same, which can draw what made alerts fire.
    pub fn drawing(self, charts: Option<Arc<dyn Charts>>) -> Self {
        Self { charts, ..self }
    }

    /// The same, which can fetch links to pay at.
    pub fn paying(self, payments: Option<Arc<dyn Payments>>) -> Self {
        Self { payments, ..self }
    }

    async fn chart(&self, incident: IncidentId) -> Result<Option<Chart>, ClientError> {
        let Some(charts) = &self.charts else { return Ok(None) };
        let query = RowQuery::first(RowKind::Incident, RowFilter::One(incident.0), 1);
        let found = Answer::Rows(self.runtime.log().rows(query).await?).rows::<Incident>()?.rows;
        let Some(query) = found.first().and_then(Incident::metric) else { return Ok(None) };
        Ok(Some(Chart { text: charts.draw(query.raw()).await?, query }))
    }

    /// Why nothing may be changed through it, where it only looks.
    fn refusal(&self) -> Option<Rejection> {
        let hint = self.status().observe.hint()?.to_owned();
        Some(Rejection::new(RejectionKind::NotAllowed, "this console only observes").hint(hint))
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
            Query::Chart { incident } => Answer::Chart(self.chart(incident).await?),
        })
    }

    async fn submit(&self, command: Command, by: Actor) -> Result<Vec<Envelope>, Rejection> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal);
        }
        self.runtime.submit(command, by).await
    }

    async fn submit_once(&self, key: IdempotencyKey, command: Command, by: Actor) -> Result<Vec<Envelope>, Rejection> {
        self.runtime.submit_once(key, command, by).await
    }

    async fn outcome_of(&self, key: &IdempotencyKey) -> Result<Option<Vec<Envelope>>, Rejection> {
        self.runtime.outcome_of(key).await
    }

    async fn payment_link(&self, order: &LinkOrder) -> Result<SecretString, ClientError> {
        if let Some(Rejection { message, hint, .. }) = self.refusal() {
            return Err(ClientError { message, hint });
        }
        let Some(payments) = &self.payments else {
            let hint = "write [billing.stripe] into config.toml; the README says how".to_owned();
            return Err(ClientError { message: "Stripe is not configured".to_owned(), hint });
        };
        let link = payments.link(self, order).await;
        link.map_err(|error| ClientError { message: error.message, hint: error.hint })
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
