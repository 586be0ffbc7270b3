//! Questions about history, answered a page at a time.

use serde::Deserialize;
use serde::Serialize;

use super::event::Envelope;
use super::event::Stream;
use super::ids::BlobId;

/// What a client may look up beyond the snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "query", rename_all = "snake_case")]
pub enum Query {
    /// Events of one stream, oldest first, after a version.
    Stream {
        stream: Stream,
        after: u64,
        limit: u32,
    },
    /// Events of the whole log, newest first, before a `seq` (`u64::MAX` for the end).
    LogBefore {
        before: u64,
        limit: u32,
    },
    /// Events of the whole log whose stored JSON contains `text`, newest first.
    Search {
        text: String,
        before: u64,
        limit: u32,
    },
    Blob {
        blob: BlobId,
    },
    /// Runs that ended, newest first, skipping `offset`.
    Runs {
        offset: u32,
        limit: u32,
    },
    /// Requests already settled, newest first, skipping `offset`.
    Approvals {
        offset: u32,
        limit: u32,
    },
}

/// Some rows, and whether more follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub more: bool,
}

/// The answer to a `Query`, of the kind the question asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryAnswer<R, A> {
    Events(Page<Envelope>),
    /// `None` when the blob is not stored (never was, or was pruned).
    Blob(Option<Vec<u8>>),
    Runs(Page<R>),
    Approvals(Page<A>),
}
