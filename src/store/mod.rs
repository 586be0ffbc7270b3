//! The log on disk: events, hash chain, projections, blobs, leases, migrations. Decides nothing and folds nothing.
//!
//! # What is hashed
//!
//! Every event row carries in `prev` the SHA-256 of the row before it, and `head.hash` carries that of the last one.
//! What is hashed is one line of JSON, line feed included, in UTF-8 and without blanks between its parts:
//!
//! ```text
//! ["<prev>","<tenant>",<seq>,"<stream>",<version>,<at>,"<actor>",<body>]
//! ```
//!
//! `prev` is in lower-case hex and empty for the first event; `stream` reads `run:UUID`, `approval:UUID` or `account:UUID`; `at` is in
//! microseconds since 1970 UTC; `body` is the stored JSON, byte for byte: in an encrypted log (`seal`) the sealed one,
//! so that the chain is checked without a key. The view `event_line` shows exactly these
//! lines, so an auditor needs nothing of ours:
//!
//! ```text
//! sqlite3 store.db "SELECT line FROM event_line WHERE tenant = 'local' AND seq = 41" | sha256sum
//! sqlite3 store.db "SELECT lower(hex(prev)) FROM event WHERE tenant = 'local' AND seq = 42"
//! ```
//!
//! In Postgres a function shows them, to whoever has named the tenant:
//!
//! ```text
//! export PGOPTIONS='-c morningai.tenant=local'
//! psql -XAtq -c "SELECT line FROM morningai.event_line(40) LIMIT 1" | sha256sum
//! psql -XAtq -c "SELECT encode(prev, 'hex') FROM morningai.event WHERE seq = 42"
//! ```
//!
//! Of an event that was pruned (`pruning`), `prev` and hash stand in the table `pruned`.
//!
//! Since each line holds the hash before it, the hash of the last line answers for all of them. Whoever can write to
//! the file can cut the end off or compute a new chain; that shows only against a head saved elsewhere (`heads`).

mod absent;
mod absent_accounts;
mod access_columns;
mod chain;
mod copying;
mod examiner;
mod heads;
mod listeners;
mod postgres;
mod pruning;
mod refusal;
mod scratch;
mod seal;
mod search;
mod sqlite;
mod stored;

pub use absent::AbsentLog;
pub use absent_accounts::AbsentAccounts;
pub use copying::{AnyLog, CopyReport, back_up, copied_columns, copy};
pub use heads::{file_beside, load as saved_heads};
pub use postgres::{PostgresAddress, PostgresLog};
pub use pruning::OutputsPruned;
pub use scratch::Scratch;
pub use seal::{Encryption, NotAKey, StoreKey};
pub use sqlite::{SqliteLog, unpack};

/// Whether a store may be created, migrated and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    ReadWrite,
    /// Changes nothing, so it neither creates nor migrates.
    ReadOnly,
}
