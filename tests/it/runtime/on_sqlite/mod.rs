//! The orchestrator on SQLite.

// The same tests run on each store; what differs is `open_log`.
#![allow(clippy::duplicate_mod)]

use std::path::Path;
use std::sync::Arc;

use morningai::domain::Tenant;
use morningai::ports::Log;
use morningai::store::{OpenMode, SqliteLog};

use crate::store_tamper::raw_sql;

#[path = "../crash.rs"]
mod crash;
#[path = "../decisions.rs"]
mod decisions;
#[path = "../desk.rs"]
pub mod desk;
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
mod turns;
mod wanted;

async fn open_log(path: &Path) -> Arc<dyn Log> {
    Arc::new(SqliteLog::open(path, Tenant::default(), OpenMode::ReadWrite).await.unwrap())
}
