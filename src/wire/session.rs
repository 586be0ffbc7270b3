//! Sessions on the embedded orchestrator, and the store on its own.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::cli::Failure;
use crate::cli::Rebuilt;
use crate::cli::Session;
use crate::cli::StoreKeeper;
use crate::client::LocalClient;
use crate::client::Recording;
use crate::domain::RunId;
use crate::ports::Accounts;
use crate::ports::Client;
use crate::ports::Log;
use crate::ports::LogError;
use crate::ports::Status;
use crate::runtime;
use crate::runtime::Runtime;
use crate::store::AbsentLog;
use crate::store::SqliteLog;

/// What an effect that must not be cut off gets to finish when the program ends.
const GRACE: Duration = Duration::from_secs(30);
/// The same after the person asked twice.
const HARDLY_ANY: Duration = Duration::from_millis(300);

/// An open store, or the place where none was made yet.
#[derive(Clone)]
pub(super) enum Store {
    Sqlite(Arc<SqliteLog>),
    Absent(PathBuf),
}

impl Store {
    pub(super) fn log(&self) -> Arc<dyn Log> {
        match self {
            Self::Sqlite(log) => log.clone(),
            Self::Absent(_) => Arc::new(AbsentLog),
        }
    }

    pub(super) fn accounts(&self) -> Arc<dyn Accounts> {
        match self {
            Self::Sqlite(log) => log.clone(),
            Self::Absent(_) => Arc::new(AbsentLog),
        }
    }

    async fn close(&self) -> Result<(), LogError> {
        match self {
            Self::Sqlite(log) => log.close().await,
            Self::Absent(_) => Ok(()),
        }
    }
}

/// A runtime of this process, and a client on it.
pub(super) struct LocalSession {
    runtime: Arc<Runtime>,
    store: Store,
    client: Arc<LocalClient>,
}

impl LocalSession {
    pub(super) fn new(runtime: Arc<Runtime>, store: Store, status: Status) -> Self {
        Self { client: Arc::new(LocalClient::new(runtime.clone(), status)), runtime, store }
    }

    pub(super) fn log(&self) -> Arc<dyn Log> {
        self.store.log()
    }

    /// The client, for a console.
    pub(super) fn shared(&self) -> Arc<LocalClient> {
        self.client.clone()
    }

    /// Who may do what in the same store.
    pub(super) fn accounts(&self) -> Arc<dyn Accounts> {
        self.store.accounts()
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
pub(super) struct Keeper {
    store: Store,
    log: Arc<dyn Log>,
    accounts: Arc<dyn Accounts>,
}

impl Keeper {
    pub(super) fn new(store: Store) -> Self {
        Self { log: store.log(), accounts: store.accounts(), store }
    }
}

#[async_trait]
impl StoreKeeper for Keeper {
    fn log(&self) -> &dyn Log {
        self.log.as_ref()
    }

    fn accounts(&self) -> &dyn Accounts {
        self.accounts.as_ref()
    }

    fn place(&self) -> String {
        match &self.store {
            Store::Sqlite(log) => log.path().display().to_string(),
            Store::Absent(place) => place.display().to_string(),
        }
    }

    async fn rebuild(&self) -> Result<Rebuilt, Failure> {
        let report = runtime::rebuild(self.log.as_ref()).await?;
        Ok(Rebuilt { events: report.events, rows: report.rows })
    }

    async fn compare_rows(&self) -> Result<Vec<String>, Failure> {
        Ok(runtime::compare_rows(self.log.as_ref()).await?)
    }

    async fn record(&self, run: RunId) -> Result<String, Failure> {
        let recording = Recording::of_run(self.log.as_ref(), run).await?;
        let recording = recording.ok_or_else(|| Failure::failed(format!("run {run} has no history in this store")))?;
        recording.to_ndjson().map_err(|error| Failure::failed(format!("the run cannot be written as JSON: {error}")))
    }

    async fn back_up(&self, target: &Path) -> Result<(), Failure> {
        match &self.store {
            Store::Sqlite(log) => Ok(log.backup_to(target).await?),
            Store::Absent(place) => Err(Failure::failed("there is no store yet that could be backed up")
                .at(place.display().to_string())
                .next("start `morningai` once to create it, or name another with --db")),
        }
    }

    async fn close(self: Box<Self>) -> Result<(), Failure> {
        Ok(self.store.close().await?)
    }
}
