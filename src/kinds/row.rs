//! A row as a store keeps it.

use serde::{Deserialize, Serialize};

use super::kind::{Index, Kept};
use super::table::{RowKey, Stream};
use crate::domain::Timestamp;

/// A row as stored. All but its JSON is what it is found by, and follows from that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub key: RowKey,
    /// Whether it still needs somebody or something.
    pub is_open: bool,
    /// Newest first: when it began, for a day its date.
    pub sort: Timestamp,
    /// Empty for what has no states.
    pub state: String,
    /// What it is a part of.
    pub parent: Option<Stream>,
    /// When time alone asks for something.
    pub due: Option<Timestamp>,
    /// JSON of what it is a row of.
    pub body: String,
}

impl Row {
    pub fn new(key: RowKey, index: &Index, body: String) -> Self {
        let Index { is_open, sort, state, parent, due } = *index;
        Self { key, is_open, sort, state: state.to_owned(), parent, due, body }
    }

    /// The stored form of `kept`; `None` where it has no JSON, which a defect alone could lead to.
    pub fn of<K: Kept>(key: RowKey, kept: &K) -> Option<Self> {
        Some(Self::new(key, &kept.index(), serde_json::to_string(kept).ok()?))
    }
}
