//! The orchestrator on Postgres: a test's file stands for a database.

// The same tests run on each store; what differs is `open_log`.
#![allow(clippy::duplicate_mod)]

use std::path::Path;
use std::sync::Arc;

use morningai::ports::Log;

use crate::support::postgres::Database;

#[path = "../crash.rs"]
mod crash;
#[path = "../decisions.rs"]
mod decisions;
#[path = "../desk.rs"]
mod desk;
#[path = "../edits.rs"]
mod edits;
#[path = "../leases.rs"]
mod leases;
#[path = "../quota.rs"]
mod quota;
#[path = "../rebuilds.rs"]
mod rebuilds;
#[path = "../repeats.rs"]
mod repeats;
#[path = "../rough_tools.rs"]
mod rough_tools;
#[path = "../secrets.rs"]
mod secrets;
#[path = "../trouble.rs"]
mod trouble;

async fn open_log(path: &Path) -> Arc<dyn Log> {
    Arc::new(Database::standing_in_for(path).await.open_log().await)
}

/// With every right, in the schema of the store.
async fn raw_sql(path: &Path, sql: &str) {
    let sql = format!("SET search_path = morningai; {sql}");
    Database::standing_in_for(path).await.sql("postgres", &sql).await;
}
