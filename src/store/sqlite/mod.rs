//! The log in one SQLite file.
//!
//! Two connections write, one at a time: one appends, on a thread of its own and by itself, one does everything else.
//! Up to two more read, opened when first needed. Each verb has its file. Nothing here decides or folds.

mod access;
mod accounts;
mod answers;
mod append;
mod appender;
mod backup;
mod blobs;
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
mod prune;
mod refused;
mod rows;
mod store;
#[cfg(test)]
mod tests;
mod unpack;
mod verify;
mod watch;

pub use log::SqliteLog;
pub use unpack::unpack;
