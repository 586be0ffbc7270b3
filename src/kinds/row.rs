//! A row as a store keeps it.

use serde::{Deserialize, Serialize};

use super::kept::{Index, Kept};
use super::row_key::{RowKey, RowKind};
use super::spend::DaySpend;
use super::stream::Stream;
use super::table::with_kinds;
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

macro_rules! define_reading {
    (kept { $($Kept:ident = $kept:literal, $table:ident, $tag:literal;)* } events { $($bare:tt)* }) => {
        impl Row {
            /// The row of this JSON, with what it is found by computed from it.
            pub fn read(key: RowKey, body: String) -> Result<Self, serde_json::Error> {
                let index = match key.kind {
                    $(RowKind::$Kept => serde_json::from_str::<$crate::kinds::$Kept>(&body)?.index(),)*
                    RowKind::Spend => DaySpend::index(key.id.parse().map_err(serde::de::Error::custom)?),
                };
                Ok(Self::new(key, &index, body))
            }
        }
    };
}

with_kinds!(define_reading);
