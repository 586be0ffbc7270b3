//! A row as a store keeps it.

use serde::{Deserialize, Serialize};

use super::kept::Kept;
use super::row_key::RowKey;
use crate::domain::Timestamp;

/// A row as stored. `is_open` and `sort` are what it is found by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub key: RowKey,
    /// Whether it still needs somebody or something.
    pub is_open: bool,
    /// Newest first: when it began, for a day its date.
    pub sort: Timestamp,
    /// JSON of what it is a row of.
    pub body: String,
}

impl Row {
    /// The stored form of `kept`; `None` where it has no JSON, which a defect alone could lead to.
    pub fn of<K: Kept>(key: RowKey, kept: &K) -> Option<Self> {
        let index = kept.index();
        Some(Self { key, is_open: index.is_open, sort: index.sort, body: serde_json::to_string(kept).ok()? })
    }
}
