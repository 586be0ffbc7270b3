//! Sessions on the embedded orchestrator, and the store on its own.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::billing::Billing;
use super::signals::asked_to_end;
use super::store::OpenStore;
use crate::cli::{CheckedOutputs, Failure, Session, StoreKeeper};
use crate::client::{LocalClient, Recording};
use crate::feeds::{Rules, Surroundings};
use crate::kinds::Stream;
use crate::pager::Pager;
use crate::ports::{Accounts, Client, Log, Subjects, SystemClock};
use crate::runtime;
use crate::runtime::{Runtime, Turns};
use crate::shape::Rebuilt;

/// What an effect that must not be cut off gets to finish when the program ends.
const GRACE: Duration = Duration::from_secs(30);
/// After so long people wonder why a program that is done does not end.
const NOTICED: Duration = Duration::from_secs(1);
/// The same after the person asked twice.
const HARDLY_ANY: Duration = Duration::from_millis(300);

/// A runtime of this process, and a client on it.
pub(super) struct LocalSession {
    runtime: Arc<Runtime>,
    store: OpenStore,
    client: Arc<LocalClient>,
    /// Ends what looks for alerts.
    stopping: CancellationToken,
}

impl LocalSession {
    pub(super) fn new(runtime: Arc<Runtime>, store: OpenStore, client: LocalClient) -> Self {
        let client = Arc::new(client);
        Self { client, runtime, store, stopping: CancellationToken::new() }
    }

    /// For what looks for alerts as long as the session lasts.
    pub(super) fn surroundings(&self, rules: Rules) -> Surroundings {
        let (client, stopping) = (self.client.clone(), self.stopping.clone());
        Surroundings { client, clock: Arc::new(SystemClock), stopping, rules }
    }

    /// Has people paged as long as the session lasts.
    pub(super) fn page(&mut self, pager: Pager) {
        tokio::spawn(pager.run(self.stopping.clone()));
    }

    /// Has what is paid looked after as long as the session lasts.
    pub(super) fn keep_paid(&self, billing: Arc<Billing>) {
        tokio::spawn(billing.keep(self.client.clone(), self.stopping.clone()));
    }

    pub(super) fn log(&self) -> Arc<dyn Log> {
        self.store.shared()
    }

    /// The store that the runtime works on, for its upkeep meanwhile.
    pub(super) fn store(&self) -> OpenStore {
        self.store.clone()
    }

    /// For what is appended together with a change of what is kept beside the log.
    pub(super) fn turns(&self) -> Turns {
        self.runtime.turns()
    }

    /// The client, for a console.
    pub(super) fn shared(&self) -> Arc<LocalClient> {
        self.client.clone()
    }

    /// Who may do what in the same store.
    pub(super) fn accounts(&self) -> Arc<dyn Accounts> {
        self.turns().accounts(self.store.account_rows())
    }

    /// Waits for what must not be cut off, unless a signal asks to end at once.
    pub(super) async fn end_in_order(self) {
        self.stopping.cancel();
        tokio::select! {
            () = self.runtime.shut_down(GRACE) => {}
            () = tell_what_is_waited_for() => {}
            Ok(()) = asked_to_end() => self.runtime.shut_down(HARDLY_ANY).await,
        }
        self.let_go().await;
    }

    async fn let_go(self) {
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
        self.runtime.shut_down(HARDLY_ANY).await;
        self.let_go().await;
    }
}

/// Never ends. Nobody should sit before a program that seems to hang.
async fn tell_what_is_waited_for() {
    tokio::time::sleep(NOTICED).await;
    let told = "waiting for what is under way and must not be cut off; Ctrl-C leaves it to the next start to look at";
    // There is nobody to tell if that fails.
    let _ = writeln!(std::io::stderr(), "{told}");
    std::future::pending().await
}

/// The store without an orchestrator.
pub(super) struct Keeper {
    store: OpenStore,
    log: Arc<dyn Log>,
    accounts: Arc<dyn Accounts>,
    subjects: Arc<dyn Subjects>,
}

impl Keeper {
    pub(super) fn new(store: OpenStore) -> Self {
        Self {
            log: store.shared(),
            accounts: Turns::default().accounts(store.account_rows()),
            subjects: Turns::default().subjects(store.subject_keys(), store.account_rows()),
            store,
        }
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

    fn subjects(&self) -> &dyn Subjects {
        self.subjects.as_ref()
    }

    fn place(&self) -> String {
        self.store.place()
    }

    async fn rebuild(&self) -> Result<Rebuilt, Failure> {
        let report = runtime::rebuild(self.log.as_ref()).await?;
        Ok(Rebuilt { events: report.events, rows: report.rows })
    }

    async fn check_outputs(&self) -> Result<CheckedOutputs, Failure> {
        let report = runtime::check_outputs(self.log.as_ref()).await?;
        Ok(CheckedOutputs { sound: report.sound, problems: report.problems })
    }

    async fn compare_rows(&self) -> Result<Vec<String>, Failure> {
        Ok(runtime::compare_rows(self.log.as_ref()).await?)
    }

    async fn record(&self, title: &str, of: &[Stream]) -> Result<String, Failure> {
        let recording = Recording::of_streams(self.log.as_ref(), title.to_owned(), of).await?;
        if recording.events.is_empty() {
            return Err(Failure::failed("this store has no history of it"));
        }
        recording.to_ndjson().map_err(|error| Failure::failed(format!("it cannot be written as JSON: {error}")))
    }

    async fn back_up(&self, target: &Path) -> Result<(), Failure> {
        self.store.back_up(target).await
    }

    async fn grant(&self, role: &str) -> Result<(), Failure> {
        self.store.grant(role).await
    }

    async fn close(self: Box<Self>) -> Result<(), Failure> {
        Ok(self.store.close().await?)
    }
}
