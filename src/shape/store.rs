//! What the store is, and what upkeep did to it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::Timestamp;
use crate::ports::{Erased, Head};

/// What the store is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StoreShape {
    /// `sqlite` or `postgres`.
    pub kind: &'static str,
    /// Where it is: a file of the server, or host, port and database. Never a password.
    pub store: String,
    pub tenant: String,
    /// Of its schema.
    pub version: u64,
    /// Where the tenant's log ends.
    pub head: Head,
    /// The key it is encrypted under, by what people tell it from others; `null` for a store in clear.
    pub encrypted_under: Option<String>,
    /// Of the file and its write-ahead log, all tenants together; `null` where it takes long to know.
    pub bytes: Option<u64>,
    /// The backups that lie on the server's disk, newest first.
    pub backups: Vec<BackupFile>,
}

/// A backup on the server's disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BackupFile {
    /// Its name in `backups/`, in the server's data directory.
    pub backup: String,
    pub bytes: u64,
}

/// A backup that was just written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BackupShape {
    #[serde(flatten)]
    pub file: BackupFile,
    /// Where the tenant's log ends in it, read from the file itself.
    pub head: Head,
}

/// Whether something is only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    Yes,
    No,
}

/// What was pruned, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Pruned {
    pub store: String,
    pub ended_before: Timestamp,
    pub runs: u64,
    pub events: u64,
    pub outputs: u64,
    /// Whether outputs had to stay for another time, because somebody works on a run.
    pub outputs_left: bool,
    /// Whether it only looked.
    pub trial: bool,
}

/// What a rebuild took in, and what came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rebuilt {
    pub events: u64,
    pub rows: usize,
}

/// Whether the rows that lists are read from are what the log says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RowCheck {
    pub agrees: bool,
    /// Those that are not, a sentence each.
    pub rows: Vec<String>,
}

impl RowCheck {
    pub fn of(rows: Vec<String>) -> Self {
        Self { agrees: rows.is_empty(), rows }
    }
}

/// What was erased of somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ErasedShape {
    /// The number of the event that says it.
    pub event: u64,
    /// The name that the log has for them since.
    pub pseudonym: String,
    pub rows: u64,
    pub outputs: u64,
    /// What still holds the destroyed key outside the store's reach, and what to do about it; empty for nothing.
    pub leftovers: String,
}

impl ErasedShape {
    pub fn of(erased: &Erased) -> Self {
        let pseudonym = erased.event.event.remark().into_raw();
        let Erased { event, rows, outputs, leftovers } = erased;
        Self { event: event.seq, pseudonym, rows: *rows, outputs: *outputs, leftovers: leftovers.clone() }
    }
}
