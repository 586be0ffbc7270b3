//! The log in a Postgres database: the connections, and the port's methods joined to what performs them.
//!
//! One connection appends what was decided by the log, a few more do everything else, one listens. Every statement runs
//! in a transaction that has named its tenant, and asks for that tenant besides. Each verb has its file. Nothing here
//! decides or folds.
//!
//! What was acknowledged outlives a crash of the server. It outlives the loss of the server too, and the promotion of
//! its standby, where each commit waits for a standby (`synchronous_commit` is `on` or `remote_apply`, and
//! `synchronous_standby_names` names one). Without, the last commits may be missing afterwards: `seen` notices.

mod access;
mod accounts;
mod address;
mod answers;
mod append;
mod ask;
mod blobs;
mod change;
mod copying;
mod erase;
mod error;
mod events;
mod keeper;
mod keys;
mod leases;
mod migrate;
mod open;
mod pool;
mod prune;
mod rows;
mod seen;
mod verify;
mod watch;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection, Postgres, Row as _, Transaction};
use tokio::sync::{Mutex, watch as channel};

pub use self::address::PostgresAddress;
use self::ask::{ASK_AGAIN, Failure, How, LONG_ANSWER, PIECE_ANSWER, Question, answered};
use self::keys::Keys;
use self::pool::{Connector, Pool};
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

/// Connections for everything but appending and listening.
const READERS: u32 = 4;

/// A tenant's log in a Postgres database. Dropping it loses nothing; `close` also saves the head.
pub struct PostgresLog {
    store: Arc<Store>,
}

/// What the methods share.
struct Store {
    place: String,
    tenant: Tenant,
    seal: Seal,
    /// What it was opened with, for a copy of it.
    encryption: Encryption,
    mode: OpenMode,
    /// Where the log is believed to end; `None` when that has to be read again. Held by whoever appends.
    end: Mutex<Option<Place>>,
    seen: seen::Seen,
    appender: Pool,
    readers: Pool,
    lease_order: leases::Order,
    /// One change of accounts at a time is enough to keep the others waiting.
    change_order: Mutex<()>,
    /// Last `seq` known to be committed by any process.
    head: channel::Sender<u64>,
    watcher: watch::Watcher,
    keeper: keeper::Keeper,
    /// What the saved heads are kept under, in the data directory.
    heads: PathBuf,
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
        let end = answered(append::ANSWER, first_look(&mut connection, &tenant)).await.map_err(failed)?;
        let heads = data.join(address.file_name());
        let mut store = Store {
            seal: Seal::Plain,
            encryption: encryption.clone(),
            keeper: keeper::Keeper::new(&heads),
            watcher: watch::Watcher::new(&tenant),
            end: Mutex::new(Some(end)),
            seen: seen::Seen::new(end),
            appender: Pool::new(appending, Some(connection), 1),
            readers: Pool::new(reading, None, READERS as usize),
            lease_order: leases::Order::default(),
            change_order: Mutex::new(()),
            head: channel::Sender::new(end.seq),
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
        let found = answered(append::ANSWER, open::weaknesses(&mut lent.connection)).await;
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

impl Store {
    fn explain(&self, doing: &str, error: &sqlx::Error) -> LogError {
        error::explain(&self.place, doing, error)
    }

    fn check_writable(&self) -> Result<(), LogError> {
        match self.mode {
            OpenMode::ReadWrite => Ok(()),
            OpenMode::ReadOnly => Err(LogError::new(
                LogErrorKind::Unusable,
                format!("{} was opened for reading only", self.place),
                "repeat without the option that asks for reading only",
            )),
        }
    }

    /// Where the log ends, whoever wrote it.
    async fn read_end(&self) -> Result<Place, LogError> {
        let question = || sqlx::query("SELECT seq, hash FROM morningai.log_end($1, 0)").bind(self.tenant.0.clone());
        let rows = self.ask(How::Calling, "read the head of", question).await?;
        rows.first().map_or(Ok(Place::default()), place).map_err(|error| self.explain("read the head of", &error))
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

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Read,
    /// All of it sees one state of the database.
    Snapshot,
    Write,
}

/// Begins a transaction that has named its tenant, in one round trip.
async fn begin<'c>(
    connection: &'c mut PgConnection,
    tenant: &Tenant,
    kind: Kind,
) -> Result<Transaction<'c, Postgres>, sqlx::Error> {
    connection.begin_with(AssertSqlSafe(beginning(tenant, kind))).await
}

fn beginning(tenant: &Tenant, kind: Kind) -> String {
    let begin = match kind {
        Kind::Read => "BEGIN READ ONLY",
        Kind::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        Kind::Write => "BEGIN",
    };
    format!("{begin}; SELECT set_config('morningai.tenant', {}, true)", literal(&tenant.0))
}

/// A text that Postgres reads as exactly this, whatever its settings.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

const END: &str = "SELECT seq, hash FROM morningai.event WHERE tenant = $1 ORDER BY seq DESC LIMIT 1";

/// Where the log ends, asked of a connection that is no store's yet.
async fn first_look(connection: &mut PgConnection, tenant: &Tenant) -> Result<Place, sqlx::Error> {
    let mut transaction = begin(connection, tenant, Kind::Read).await?;
    let end = read_place(&mut transaction, tenant).await?;
    transaction.commit().await?;
    Ok(end)
}

async fn read_place(connection: &mut PgConnection, tenant: &Tenant) -> Result<Place, sqlx::Error> {
    let found = sqlx::query(END).bind(tenant.0.clone()).fetch_optional(connection).await?;
    found.as_ref().map_or(Ok(Place::default()), place)
}

fn place(row: &PgRow) -> Result<Place, sqlx::Error> {
    let hash: &[u8] = row.try_get(1)?;
    let link = Link::from_bytes(hash).ok_or_else(|| sqlx::Error::Decode("event.hash is not 32 bytes".into()))?;
    Ok(Place { seq: from_sql(row.try_get(0)?), link })
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
        Ok(seen::read_end(&self.store).await?.into())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_reaches_the_database_as_it_is_written() {
        assert_eq!(literal(r"o'b\"), r"E'o''b\\'");
        assert_eq!(literal("local"), "E'local'");
    }
}
