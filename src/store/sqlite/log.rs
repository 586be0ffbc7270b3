//! The log of a tenant: the port's methods joined to what performs them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::SqlitePoolOptions;
use tokio::sync::{Mutex, watch as channel};

use super::appender::Appender;
use super::end::read_place;
use super::keys::Keys;
use super::store::{Keeper, Store, Watcher, Writer};
use super::{
    answers, append, backup, blobs, copying, erase, error, events, keeper, leases, migrate, open, prune, rows, verify,
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
use crate::store::stored::from_sql;
use crate::store::{Encryption, OpenMode, heads};

/// Reading connections at most: one for a long search, one for everything else.
const READERS: u32 = 2;

/// A tenant's log in an SQLite file. Dropping it loses nothing; `close` also saves the head and tidies the files.
#[derive(Debug)]
pub struct SqliteLog {
    pub(super) store: Arc<Store>,
}

impl SqliteLog {
    /// Opens the log of `tenant` in the file at `path`, creating or migrating it where `mode` allows.
    ///
    /// Costs the same for any length of history.
    pub async fn open(path: &Path, tenant: Tenant, mode: OpenMode) -> Result<Self, LogError> {
        Self::open_with(path, tenant, mode, &Encryption::None).await
    }

    /// The same with a key: an empty log becomes encrypted by it, and an encrypted one wants it.
    pub async fn open_with(
        path: &Path,
        tenant: Tenant,
        mode: OpenMode,
        encryption: &Encryption,
    ) -> Result<Self, LogError> {
        let path = std::path::absolute(path).map_err(|error| error::explain_io(path, "open", &error))?;
        let (mut connection, reading) = open::open(&path, mode).await?;
        let head = read_place(&mut connection, &tenant)
            .await
            .map_err(|error| error::explain(&path, "read the head of", &error))?;
        let mut keys = Keys::at(&path, &tenant, &mut connection);
        let called = path.display().to_string();
        let seal = Seal::admit(&mut keys, (encryption, mode), (&tenant, head, &called)).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(reading);
        let writer = match mode {
            OpenMode::ReadWrite => {
                let appender = Appender::start(&path).map_err(|error| error::explain_io(&path, "open", &error))?;
                Some(Writer { appender, connection })
            }
            OpenMode::ReadOnly => None,
        };
        let store = Store {
            keeper: Keeper::new(&path),
            watcher: Watcher::new(&path),
            writer: Mutex::new(writer),
            readers,
            listeners: Listeners::new(head.seq),
            path,
            tenant,
            seal,
        };
        if mode == OpenMode::ReadWrite {
            rows::complete(&store).await?;
        }
        Ok(Self { store: Arc::new(store) })
    }

    /// Saves the head outside the database, then closes all connections; the last one to close removes `-wal`.
    /// Anything asked of the log later is refused.
    pub async fn close(&self) -> Result<(), LogError> {
        let saved = keeper::save_now(&self.store).await;
        self.store.readers.close().await;
        let writer = self.store.writer.lock().await.take();
        if let Some(writer) = writer {
            use sqlx::Connection;
            writer.appender.close().await;
            writer.connection.close().await.map_err(|error| self.store.explain("close", &error))?;
        }
        saved
    }

    /// Writes a consistent copy of the whole file, all tenants, to `target`, which must not exist yet.
    pub async fn backup_to(&self, target: &Path) -> Result<(), LogError> {
        backup::backup(&self.store, target).await
    }

    /// Removes outputs that nothing names in the log up to `after`. `Conflict` when it has moved on since.
    pub async fn prune_outputs(&self, after: u64, outputs: Vec<StoredOutput>) -> Result<OutputsPruned, LogError> {
        prune::prune_outputs(&self.store, after, outputs).await
    }

    pub(in crate::store) async fn begin_reading(&self) -> Result<copying::Snapshot, LogError> {
        copying::begin_reading(&self.store).await
    }

    pub(in crate::store) async fn begin_filling(&self) -> Result<copying::Inflow, LogError> {
        copying::begin_filling(&self.store).await
    }

    /// The heads that `verify` will check the log against: see `store::saved_heads`.
    pub fn saved_heads(&self) -> Result<Vec<Head>, LogError> {
        heads::load(&self.store.path, &self.store.tenant)
    }

    pub fn path(&self) -> &Path {
        &self.store.path
    }

    /// Version of the schema, which that of an open store is.
    pub fn schema_version() -> u64 {
        from_sql(migrate::current_version())
    }

    /// What the file and its write-ahead log take on the disk, all tenants together.
    pub fn bytes(&self) -> Result<u64, LogError> {
        let size = |path: &Path| std::fs::metadata(path).map(|found| found.len());
        let failed = |error| error::explain_io(&self.store.path, "look at", &error);
        let file = size(&self.store.path).map_err(failed)?;
        // It is there only while somebody has the store open.
        Ok(file + size(&heads::with_suffix(&self.store.path, "-wal")).unwrap_or_default())
    }
}

#[async_trait]
impl Log for SqliteLog {
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
        Ok(self.store.place().await?.into())
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
impl StoredOutputs for SqliteLog {
    async fn stored_outputs(&self, after: Option<&StoredOutput>, limit: u32) -> Result<Vec<StoredOutput>, LogError> {
        blobs::stored(&self.store, after, limit).await
    }

    fn found_by(&self, blob: &BlobId) -> Option<Vec<u8>> {
        self.store.seal.blob_hashes(blob).map(|(first, _)| first)
    }
}

#[async_trait]
impl SubjectKeys for SqliteLog {
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
impl Prunable for SqliteLog {
    async fn remains(&self, pruning: &Pruning) -> Result<AccessEvent, LogError> {
        prune::remains(&self.store, pruning).await
    }

    async fn prune(&self, pruning: &Pruning, told: NewEvent) -> Result<(), LogError> {
        prune::prune(&self.store, pruning.clone(), told).await
    }
}
