//! Which projection rows are wanted.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{ShortId, Timestamp};
use crate::kinds::{Kept, RowKind, Stream};

/// Rows of one kind, newest first, a page of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowQuery {
    pub kind: RowKind,
    pub filter: RowFilter,
    /// Only those behind this place; from the newest on without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<RowPlace>,
    pub limit: u32,
}

/// Which of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowFilter {
    All,
    Open,
    Ended,
    /// One stream's, by its id.
    One(Uuid),
    /// Those that somebody may mean.
    Named(ShortId),
    /// Those in this state, by the name that their JSON has for it.
    InState(String),
    /// Those that are a part of this.
    PartOf(Stream),
    /// Those of which time alone asks something before then.
    DueBefore(Timestamp),
}

/// A row's place among those of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowPlace {
    pub sort: Timestamp,
    pub id: String,
}

impl RowQuery {
    /// Rows that are told of those that somebody may mean: more than one is one too many.
    pub const MOST_NAMED: u32 = 50;

    /// The newest.
    pub fn first(kind: RowKind, filter: RowFilter, limit: u32) -> Self {
        Self { kind, filter, after: None, limit }
    }

    /// What has ended, from a place on.
    pub fn ended(kind: RowKind, after: Option<RowPlace>, limit: u32) -> Self {
        Self { kind, filter: RowFilter::Ended, after, limit }
    }

    /// All of them at once, for what is bounded by itself.
    pub fn whole(kind: RowKind, filter: RowFilter) -> Self {
        Self::first(kind, filter, u32::MAX)
    }
}

impl RowPlace {
    pub fn of<K: Kept>(kept: &K) -> Self {
        Self { sort: kept.index().sort, id: kept.id().to_string() }
    }
}
