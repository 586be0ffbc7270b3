//! The log in one SQLite file: the connections, and the port's methods joined to what performs them.
//!
//! Two connections write, one at a time: one appends, on a thread of its own and by itself, one does everything else.
//! Up to two more read, opened when first needed. Each verb has its file. Nothing here decides or folds.

mod access;
mod accounts;
mod answers;
mod append;
mod appender;
mod backup;
mod blobs;
mod copying;
mod erase;
mod error;
mod events;
mod keeper;
mod keys;
mod leases;
mod migrate;
mod open;
mod prune;
mod rows;
mod unpack;
mod verify;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{SqliteConnection, SqlitePool};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard, watch as channel};

use self::appender::Appender;
use self::keys::Keys;
pub use self::unpack::unpack;
use super::chain::{Link, Place};
use super::pruning::OutputsPruned;
use super::seal::Seal;
use super::stored::from_sql;
use super::{Encryption, OpenMode, heads};
use crate::domain::{BlobId, IdempotencyKey, RunId, SubjectId, Tenant, Timestamp};
use crate::kinds::{AccessEvent, Envelope, Row, Stream};
use crate::ports::{
    Answered, Batch, EncryptionState, EraseError, Erased, Head, Lease, Log, LogError, LogErrorKind, NewEvent, Page,
    Prunable, Pruning, RowQuery, StoredOutput, StoredOutputs, SubjectKeys, VerifyReport,
};

/// Reading connections at most: one for a long search, one for everything else.
const READERS: u32 = 2;

/// A tenant's log in an SQLite file. Dropping it loses nothing; `close` also saves the head and tidies the files.
#[derive(Debug)]
pub struct SqliteLog {
    store: Arc<Store>,
}

/// What the methods share.
#[derive(Debug)]
struct Store {
    path: PathBuf,
    tenant: Tenant,
    seal: Seal,
    /// `None` when opened for reading, and after `close`.
    writer: Mutex<Option<Writer>>,
    readers: SqlitePool,
    /// Last `seq` known to be committed by any process.
    head: channel::Sender<u64>,
    watcher: watch::Watcher,
    keeper: keeper::Keeper,
}

/// The connections that write. Whoever holds this writes alone in this process.
#[derive(Debug)]
struct Writer {
    appender: Appender,
    connection: SqliteConnection,
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
            keeper: keeper::Keeper::new(&path),
            watcher: watch::Watcher::new(&path),
            writer: Mutex::new(writer),
            readers,
            head: channel::Sender::new(head.seq),
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

impl Store {
    async fn writer(&self) -> Result<MappedMutexGuard<'_, Writer>, LogError> {
        let guard = self.writer.lock().await;
        MutexGuard::try_map(guard, Option::as_mut).map_err(|_| self.cannot_write())
    }

    fn cannot_write(&self) -> LogError {
        if self.readers.is_closed() {
            return error::closed(&self.path);
        }
        LogError::new(
            LogErrorKind::Unusable,
            format!("{} was opened for reading only", self.path.display()),
            "repeat without the option that asks for reading only",
        )
    }

    fn explain(&self, doing: &str, error: &sqlx::Error) -> LogError {
        error::explain(&self.path, doing, error)
    }

    /// Where the log ends, whoever wrote it.
    async fn place(&self) -> Result<Place, LogError> {
        let failed = |error| self.explain("read the head of", &error);
        let mut reader = self.readers.acquire().await.map_err(failed)?;
        read_place(&mut reader, &self.tenant).await.map_err(failed)
    }

    /// Tells those who watch that the log reaches at least to `seq`.
    fn announce(&self, seq: u64) {
        self.head.send_if_modified(|known| {
            let moved = seq > *known;
            *known = seq.max(*known);
            moved
        });
    }
}

async fn read_place(connection: &mut SqliteConnection, tenant: &Tenant) -> Result<Place, sqlx::Error> {
    let found: Option<(i64, Vec<u8>)> =
        sqlx::query_as(append::FIND_HEAD).bind(tenant.0.clone()).fetch_optional(connection).await?;
    let Some((seq, hash)) = found else { return Ok(Place::default()) };
    let link = Link::from_bytes(&hash).ok_or_else(|| sqlx::Error::Decode("head.hash is not 32 bytes".into()))?;
    Ok(Place { seq: from_sql(seq), link })
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

#[cfg(test)]
mod tests;
