//! Questions about history, answered a page at a time.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::chart::Chart;
use super::client_error::ClientError;
use super::rows::RowQuery;
use crate::domain::{BlobId, IncidentId};
use crate::kinds::{DaySpend, Envelope, Row, RowKind, Rowed, Stream, Surface, Thing};

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
    Rows(RowQuery),
    /// What made an incident's alerts fire, over the last hours.
    Chart {
        incident: IncidentId,
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
pub enum Answer {
    Events(Page<Envelope>),
    /// `None` when the blob is not stored (never was, or was pruned).
    Blob(Option<Vec<u8>>),
    Rows(Page<Row>),
    /// `None` where its alerts name no query, or there is no Prometheus to ask.
    Chart(Option<Chart>),
}

impl Answer {
    pub fn events(self) -> Result<Page<Envelope>, ClientError> {
        match self {
            Self::Events(page) => Ok(page),
            Self::Blob(_) | Self::Rows(_) | Self::Chart(_) => Err(unasked()),
        }
    }

    pub fn chart(self) -> Result<Option<Chart>, ClientError> {
        match self {
            Self::Chart(chart) => Ok(chart),
            Self::Events(_) | Self::Blob(_) | Self::Rows(_) => Err(unasked()),
        }
    }

    /// The rows, read as those of a kind.
    pub fn rows<K: Rowed>(self) -> Result<Page<K>, ClientError> {
        self.read_rows(K::KIND, |row| serde_json::from_str(&row.body))
    }

    /// The rows, as things of a kind that is told by its surface.
    pub fn things(self, surface: &Surface) -> Result<Page<Thing>, ClientError> {
        self.read_rows(surface.kind, |row| surface.read(row))
    }

    /// The rows, as what days cost.
    pub fn days(self) -> Result<Page<(NaiveDate, DaySpend)>, ClientError> {
        let read =
            |row: &Row| Ok((row.key.id.parse().map_err(serde::de::Error::custom)?, serde_json::from_str(&row.body)?));
        self.read_rows(RowKind::Spend, read)
    }

    /// Only the ids of the rows.
    pub fn ids(self, kind: RowKind) -> Result<Page<Uuid>, ClientError> {
        let Self::Rows(page) = self else { return Err(unasked()) };
        let of_kind = page.rows.into_iter().filter(|row| row.key.kind == kind);
        Ok(Page { rows: of_kind.filter_map(|row| row.key.id.parse().ok()).collect(), more: page.more })
    }

    fn read_rows<T>(self, kind: RowKind, read: impl Fn(&Row) -> serde_json::Result<T>) -> Result<Page<T>, ClientError> {
        let Self::Rows(page) = self else { return Err(unasked()) };
        let read = |row: Row| {
            read(&row).map_err(|error| ClientError {
                message: format!("the stored {} {} cannot be read: {error}", kind.name(), row.key.id),
                hint: "run `morningai db rebuild` to compute it from the log again".to_owned(),
            })
        };
        let rows = page.rows.into_iter().filter(|row| row.key.kind == kind).map(read).collect::<Result<_, _>>()?;
        Ok(Page { rows, more: page.more })
    }
}

fn unasked() -> ClientError {
    ClientError {
        message: "the source answered another question than was asked".to_owned(),
        hint: "it may be of another version; try again".to_owned(),
    }
}
