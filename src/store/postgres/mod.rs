//! The log in a Postgres database.
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
mod end;
mod erase;
mod error;
mod events;
mod keeper;
mod keys;
mod leases;
mod log;
mod migrate;
mod open;
mod pool;
mod prune;
mod rows;
mod seen;
mod store;
mod transaction;
mod verify;
mod watch;

pub use address::PostgresAddress;
pub use log::PostgresLog;
