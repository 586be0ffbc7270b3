//! Sessions on the embedded orchestrator, and the store on its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::store::OpenStore;
use crate::cli::Failure;
use crate::cli::Rebuilt;
use crate::cli::Session;
use crate::cli::StoreKeeper;
use crate::client::LocalClient;
use crate::client::Recording;
use crate::domain::RunId;
use crate::ports::Client;
use crate::ports::Log;
use crate::ports::Status;
use crate::runtime;
use crate::runtime::Runtime;

/// What an effect that must not be cut off gets to finish when the program ends.
const GRACE: Duration = Duration::from_secs(30);
/// The same after the person asked twice.
const HARDLY_ANY: Duration = Duration::from_millis(300);

/// A runtime of this process, and a client on it.
pub(super) struct LocalSession {
    runtime: Arc<Runtime>,
    store: OpenStore,
    client: Arc<LocalClient>,
}

impl LocalSession {
    pub(super) fn new(runtime: Arc<Runtime>, store: OpenStore, status: Status) -> Self {
        Self { client: Arc::new(LocalClient::new(runtime.clone(), status)), runtime, store }
    }

    /// The client, for a console.
    pub(super) fn shared(&self) -> Arc<LocalClient> {
        self.client.clone()
    }

    pub(super) async fn end_in_order(self) {
        self.end(GRACE).await;
    }

    async fn end(self, grace: Duration) {
        self.runtime.shut_down(grace).await;
        if let Err(error) = self.store.close().await {
            tracing::warn!(%error, "the store was not closed in order; nothing in it is lost");
        }
    }
}

#[async_trait]
impl Session for LocalSession {
    fn client(&self) -> &dyn Client {
        self.client.as_ref()
    }

    async fn close(self: Box<Self>) {
        self.end_in_order().await;
    }

    async fn abandon(self: Box<Self>) {
        self.end(HARDLY_ANY).await;
    }
}

/// The store without an orchestrator.
pub(super) struct Keeper(pub(super) OpenStore);

#[async_trait]
impl StoreKeeper for Keeper {
    fn log(&self) -> &dyn Log {
        self.0.log()
    }

    fn place(&self) -> String {
        self.0.place()
    }

    async fn rebuild(&self) -> Result<Rebuilt, Failure> {
        let report = runtime::rebuild(self.0.log()).await?;
        Ok(Rebuilt { events: report.events, rows: report.rows })
    }

    async fn record(&self, run: RunId) -> Result<String, Failure> {
        let recording = Recording::of_run(self.0.log(), run).await?;
        let recording = recording.ok_or_else(|| Failure::failed(format!("run {run} has no history in this store")))?;
        recording.to_ndjson().map_err(|error| Failure::failed(format!("the run cannot be written as JSON: {error}")))
    }

    async fn back_up(&self, target: &Path) -> Result<(), Failure> {
        self.0.back_up(target).await
    }

    async fn grant(&self, role: &str) -> Result<(), Failure> {
        self.0.grant(role).await
    }

    async fn close(self: Box<Self>) -> Result<(), Failure> {
        Ok(self.0.close().await?)
    }
}
