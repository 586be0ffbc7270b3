//! The log: the one place where state lives.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::domain::{Actor, BlobId, IdempotencyKey, RunId, Timestamp};
use crate::kinds::{Envelope, Event, Row, Stream};
use crate::ports::{Page, RowQuery};

/// An append-only, hash-chained log of one tenant's events, with the projection rows that go with it.
///
/// `seq` is dense and gapless, and commit order is `seq` order. All methods may be called from any task.
#[async_trait]
pub trait Log: Send + Sync {
    /// Appends all of `batch` in one transaction, or nothing. Returns once it is on disk.
    ///
    /// `Conflict` when the log has moved past `batch.after` (another process wrote): read on, decide again.
    async fn append(&self, batch: Batch) -> Result<Vec<Envelope>, LogError>;

    /// Events with `seq > after`, oldest first, at most `limit`.
    async fn read(&self, after: u64, limit: u32) -> Result<Vec<Envelope>, LogError>;

    /// Events of one stream with `version > after`, oldest first, at most `limit`.
    async fn read_stream(&self, stream: Stream, after: u64, limit: u32) -> Result<Vec<Envelope>, LogError>;

    /// Events with `seq < before`, newest first; with `text`, those whose stored JSON contains it.
    async fn read_back(&self, before: u64, limit: u32, text: Option<&str>) -> Result<Page<Envelope>, LogError>;

    async fn head(&self) -> Result<Head, LogError>;

    /// Last `seq` known to be committed by any process. A change is a hint to `read`, seen within 150 ms.
    fn watch_head(&self) -> watch::Receiver<u64>;

    /// Projection rows.
    async fn rows(&self, wanted: RowQuery) -> Result<Page<Row>, LogError>;

    /// Replaces all projection rows in one transaction: for `db rebuild`. They are what the events up to `after` add up to;
    /// `Conflict` when the log has moved on, for then some of them are of yesterday.
    async fn replace_rows(&self, after: u64, rows: &[Row]) -> Result<(), LogError>;

    /// What came of a request when it was carried out, if that is not long ago.
    async fn answer_to(&self, key: &IdempotencyKey) -> Result<Option<Answered>, LogError>;

    /// Forgets what was carried out before then.
    async fn forget_answers(&self, before: Timestamp) -> Result<(), LogError>;

    /// Stores bytes under their SHA-256; storing them again changes nothing.
    async fn put_blob(&self, content: &[u8]) -> Result<BlobId, LogError>;

    /// The same of an output of a run: it is erased with whoever the run was for, where the store can do that.
    async fn put_output(&self, _run: RunId, content: &[u8]) -> Result<BlobId, LogError> {
        self.put_blob(content).await
    }

    /// `Unsound` when it is no longer what was stored.
    async fn get_blob(&self, blob: &BlobId) -> Result<Option<Vec<u8>>, LogError>;

    /// Ids of what is stored, in their order, from the one after `after`; at most `limit`.
    async fn blob_ids(&self, after: Option<&BlobId>, limit: u32) -> Result<Vec<BlobId>, LogError>;

    /// Takes or renews the right to work on a run for `lasting` from now, at most `Lease::LONGEST`; `None` while
    /// another owner's lease lasts.
    ///
    /// Time is the store's own, the same for all who share it, whatever their wall clocks say: a process whose clock
    /// is an hour off neither takes a run from its worker nor keeps it from the next.
    async fn claim(&self, run: RunId, owner: &str, lasting: Duration) -> Result<Option<Lease>, LogError>;

    /// Gives the right back. A lease that is not ours any more is left alone.
    async fn release(&self, lease: &Lease) -> Result<(), LogError>;

    /// Recomputes the hash chain from the first event; `saved` heads must lie on it, and those the store keeps.
    async fn verify(&self, saved: &[Head]) -> Result<VerifyReport, LogError>;
}

/// What one transaction appends.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// `seq` the deciding snapshot had seen; the first event gets the number after it.
    pub after: u64,
    pub events: Vec<NewEvent>,
    /// Rows as they are after all of `events`.
    pub rows: Vec<Row>,
    /// Leases that must still be held, or the whole batch is refused as `Fenced`.
    pub fences: Vec<Fence>,
    /// Requests that this carries out; where one was carried out before, the whole batch is a `Conflict`.
    pub answers: Vec<Answered>,
}

/// A request that was carried out, and the events that came of it: one after the other, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    pub key: IdempotencyKey,
    pub first: u64,
    pub events: u32,
    pub at: Timestamp,
}

/// An event that has a place in its stream but none in the log yet.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub stream: Stream,
    pub version: u64,
    pub at: Timestamp,
    pub by: Actor,
    pub event: Event,
}

/// The right to work on a run for a while; each new holder gets a larger token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub run: RunId,
    pub owner: String,
    pub token: u64,
}

impl Lease {
    /// No lease lasts longer without being renewed; one that seems to is from before the store's clock started anew.
    pub const LONGEST: Duration = Duration::from_secs(10);
}

/// What an append shows of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    pub run: RunId,
    pub token: u64,
}

/// The end of the log: the last `seq` and the SHA-256 of its row, lower-case hex. `seq` 0 has an empty hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Head {
    pub seq: u64,
    pub hash: String,
}

/// What `verify` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Events of the chain, pruned ones too.
    pub events: u64,
    /// Those of which only place and hashes are left.
    pub pruned: u64,
    pub head: Head,
    /// The saved heads it was checked against: those given, and those the store itself keeps outside the database.
    pub checked: Vec<Head>,
    /// What is wrong, the lowest `seq` first; empty for an intact log.
    pub problems: Vec<String>,
}

/// Why the store did not do it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct LogError {
    pub kind: LogErrorKind,
    /// What happened and where.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogErrorKind {
    /// The log moved on; read and decide again.
    Conflict,
    /// A lease shown is no longer held.
    Fenced,
    /// No room, or an I/O error: nothing of the batch was saved.
    NotSaved,
    /// The connection was lost on the way: the batch may have been saved or not, and reading on will tell.
    Unknown,
    /// Locked by another process for too long; trying again may help.
    Busy,
    /// The store was written by a newer version of the program.
    TooNew,
    /// It cannot be opened, or what is in it is not what this program writes.
    Unusable,
    /// What is in it is no longer what was written.
    Unsound,
    /// What was acknowledged is gone from it. Nothing may follow before the program has read the log anew.
    Lost,
}

impl LogError {
    pub fn new(kind: LogErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: hint.into() }
    }
}
