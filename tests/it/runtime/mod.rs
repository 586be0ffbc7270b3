//! The orchestrator on a real store, once on each kind: approvals, crashes, two processes, a store that takes no writes.

mod on_postgres;
mod on_sqlite;

pub use on_sqlite::desk;
