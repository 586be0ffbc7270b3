//! The log of a tenant: the port's methods joined to what performs them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Mutex, watch as channel};

use super::address::PostgresAddress;
use super::ask::{ANSWER, LONG_ANSWER, answered};
use super::end::first_look;
use super::keys::Keys;
use super::pool::{Connector, Pool};
use super::seen::Seen;
use super::store::{Keeper, Order, Store, Watcher};
use super::{
    answers, append, blobs, copying, end, erase, error, events, keeper, leases, migrate, open, prune, rows, verify,
    watch,
};
use crate::domain::{BlobId, IdempotencyKey, RunId, SubjectId, Tenant, Timestamp};
use crate::kinds::{AccessEvent, Envelope, Row, Stream};
use crate::ports::{
    Answered, Batch, EncryptionState, EraseError, Erased, Head, Lease, Log, LogError, NewEvent, Page, Prunable,
    Pruning, RowQuery, StoredOutput, StoredOutputs, SubjectKeys, VerifyReport,
};
use crate::store::listeners::Listeners;
use crate::store::pruning::OutputsPruned;
use crate::store::seal::Seal;
use crate::store::{Encryption, OpenMode, heads};

/// Connections for everything but appending and listening.
const READERS: u32 = 4;

/// A tenant's log in a Postgres database. Dropping it loses nothing; `close` also saves the head.
pub struct PostgresLog {
    pub(super) store: Arc<Store>,
}

impl PostgresLog {
    /// Opens the log of `tenant`, creating or migrating it where `mode` and the role allow; heads are saved in `data`.
    ///
    /// Costs the same for any length of history.
    pub async fn open(
        address: &PostgresAddress,
        tenant: Tenant,
        mode: OpenMode,
        data: &Path,
    ) -> Result<Self, LogError> {
        Self::open_with(address, tenant, mode, data, &Encryption::None).await
    }

    /// The same with a key: an empty log becomes encrypted by it, and an encrypted one wants it.
    pub async fn open_with(
        address: &PostgresAddress,
        tenant: Tenant,
        mode: OpenMode,
        data: &Path,
        encryption: &Encryption,
    ) -> Result<Self, LogError> {
        open::check_tenant(&tenant)?;
        let (appending, reading) = (Connector::new(address, mode)?, Connector::new(address, mode)?);
        let place = appending.place.clone();
        let failed = |error| error::explain(&place, "read the head of", &error);
        let mut connection = open::open(&appending, mode).await?;
        let end = answered(ANSWER, first_look(&mut connection, &tenant)).await.map_err(failed)?;
        let heads = data.join(address.file_name());
        let mut store = Store {
            seal: Seal::Plain,
            encryption: encryption.clone(),
            keeper: Keeper::new(&heads),
            watcher: Watcher::new(&tenant),
            end: Mutex::new(Some(end)),
            seen: Seen::new(end),
            appender: Pool::new(appending, Some(connection), 1),
            readers: Pool::new(reading, None, READERS as usize),
            lease_order: Order::default(),
            change_order: Mutex::new(()),
            listeners: Listeners::new(end.seq),
            place,
            tenant,
            mode,
            heads,
        };
        let admitted = Seal::admit(&mut Keys(&store), (encryption, mode), (&store.tenant, end, &store.place)).await?;
        store.seal = admitted;
        if mode == OpenMode::ReadWrite {
            rows::complete(&store).await?;
        }
        Ok(Self { store: Arc::new(store) })
    }

    /// Saves the head outside the database, then closes all connections. Anything asked of the log later is refused.
    pub async fn close(&self) -> Result<(), LogError> {
        let saved = keeper::save_now(&self.store).await;
        self.store.appender.close(1).await;
        self.store.readers.close(READERS).await;
        saved
    }

    /// Removes outputs that nothing names in the log up to `after`; only the owner may. `Conflict` when it has moved on
    /// since.
    pub async fn prune_outputs(&self, after: u64, outputs: Vec<StoredOutput>) -> Result<OutputsPruned, LogError> {
        prune::prune_outputs(&self.store, after, &outputs).await
    }

    /// With what a copy of it is opened.
    pub(in crate::store) fn encryption(&self) -> &Encryption {
        &self.store.encryption
    }

    pub(in crate::store) async fn begin_reading(&self) -> Result<copying::Portion, LogError> {
        copying::begin_reading(&self.store).await
    }

    pub(in crate::store) async fn begin_filling(&self) -> Result<copying::Portion, LogError> {
        copying::begin_filling(&self.store).await
    }

    pub fn tenant(&self) -> &Tenant {
        &self.store.tenant
    }

    /// The heads that `verify` will check the log against: see `store::saved_heads`.
    pub fn saved_heads(&self) -> Result<Vec<Head>, LogError> {
        heads::load(&self.store.heads, &self.store.tenant)
    }

    /// Lets `role` do all that the program does and nothing more; only the owner may. May be repeated.
    pub async fn grant(&self, role: &str) -> Result<(), LogError> {
        let mut lent = self.store.readers.lend().await?;
        let granted = answered(LONG_ANSWER, migrate::grant(&mut lent.connection, role)).await;
        granted.map_err(|error| self.store.explain("grant rights on", &error))?;
        lent.give_back();
        Ok(())
    }

    /// What of the server and the role is not as it should be for a log that people rely on; empty when all is well.
    pub async fn weaknesses(&self) -> Result<Vec<String>, LogError> {
        let mut lent = self.store.readers.lend().await?;
        let found = answered(ANSWER, open::weaknesses(&mut lent.connection)).await;
        let found = found.map_err(|error| self.store.explain("examine", &error))?;
        lent.give_back();
        Ok(found)
    }

    /// Hosts and database, without the role and its password.
    pub fn place(&self) -> &str {
        &self.store.place
    }

    /// Version of the schema, which that of an open store is.
    pub fn schema_version() -> u64 {
        migrate::current_version() as u64
    }
}

impl fmt::Debug for PostgresLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresLog").field("place", &self.store.place).finish_non_exhaustive()
    }
}

#[async_trait]
impl Log for PostgresLog {
    async fn append(&self, batch: Batch) -> Result<Vec<Envelope>, LogError> {
        append::append(&self.store, batch).await
    }

    async fn read(&self, after: u64, limit: u32) -> Result<Vec<Envelope>, LogError> {
        events::after(&self.store, after, limit).await
    }

    async fn read_stream(&self, stream: Stream, after: u64, limit: u32) -> Result<Vec<Envelope>, LogError> {
        events::of_stream(&self.store, stream, after, limit).await
    }

    async fn read_back(&self, before: u64, limit: u32, text: Option<&str>) -> Result<Page<Envelope>, LogError> {
        match text.filter(|text| !text.is_empty()) {
            None => events::before(&self.store, before, limit).await,
            Some(text) => events::search(&self.store, before, limit, text).await,
        }
    }

    async fn head(&self) -> Result<Head, LogError> {
        Ok(end::read_end(&self.store).await?.into())
    }

    fn watch_head(&self) -> channel::Receiver<u64> {
        watch::subscribe(&self.store)
    }

    async fn rows(&self, wanted: RowQuery) -> Result<Page<Row>, LogError> {
        rows::find(&self.store, wanted).await
    }

    async fn replace_rows(&self, after: u64, rows: &[Row]) -> Result<(), LogError> {
        rows::replace(&self.store, after, rows).await
    }

    async fn answer_to(&self, key: &IdempotencyKey) -> Result<Option<Answered>, LogError> {
        answers::find(&self.store, key).await
    }

    async fn forget_answers(&self, before: Timestamp) -> Result<(), LogError> {
        answers::forget(&self.store, before).await
    }

    async fn put_blob(&self, content: &[u8]) -> Result<BlobId, LogError> {
        blobs::put(&self.store, None, content).await
    }

    async fn put_output(&self, run: RunId, content: &[u8]) -> Result<BlobId, LogError> {
        blobs::put(&self.store, Some(Stream::Run(run)), content).await
    }

    async fn get_blob(&self, blob: &BlobId) -> Result<Option<Vec<u8>>, LogError> {
        blobs::get(&self.store, blob).await
    }

    async fn blob_ids(&self, after: Option<&BlobId>, limit: u32) -> Result<Vec<BlobId>, LogError> {
        blobs::ids(&self.store, after, limit).await
    }

    async fn claim(&self, run: RunId, owner: &str, lasting: Duration) -> Result<Option<Lease>, LogError> {
        leases::claim(&self.store, run, owner, lasting).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), LogError> {
        leases::release(&self.store, lease).await
    }

    async fn verify(&self, saved: &[Head]) -> Result<VerifyReport, LogError> {
        verify::verify(&self.store, saved).await
    }
}

#[async_trait]
impl StoredOutputs for PostgresLog {
    async fn stored_outputs(&self, after: Option<&StoredOutput>, limit: u32) -> Result<Vec<StoredOutput>, LogError> {
        blobs::stored(&self.store, after, limit).await
    }

    fn found_by(&self, blob: &BlobId) -> Option<Vec<u8>> {
        self.store.seal.blob_hashes(blob).map(|(first, _)| first)
    }
}

#[async_trait]
impl SubjectKeys for PostgresLog {
    fn encryption(&self) -> EncryptionState {
        self.store.seal.state()
    }

    async fn subject_of(&self, name: &str) -> Result<SubjectId, EraseError> {
        erase::subject_of(&self.store, name).await
    }

    async fn erase(&self, name: &str, subject: SubjectId, told: NewEvent) -> Result<Erased, EraseError> {
        erase::erase(&self.store, (name, subject), told).await
    }
}

#[async_trait]
impl Prunable for PostgresLog {
    async fn remains(&self, pruning: &Pruning) -> Result<AccessEvent, LogError> {
        prune::remains(&self.store, pruning).await
    }

    async fn prune(&self, pruning: &Pruning, told: NewEvent) -> Result<(), LogError> {
        prune::prune(&self.store, pruning, told).await
    }
}
