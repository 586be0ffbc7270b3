//! Accounts on SQLite: the door, and the command line.

// The same tests run on each store; what differs is where the store is.
#![allow(clippy::duplicate_mod)]

use std::path::Path;
use std::sync::Arc;

use morningai::domain::Tenant;
use morningai::store::{OpenMode, SqliteLog};

use crate::support::machine::Machine;

#[path = "access_door.rs"]
mod door;
#[path = "story_access.rs"]
mod story;

type Store = SqliteLog;

async fn open_store(path: &Path) -> Arc<Store> {
    Arc::new(SqliteLog::open(path, Tenant::default(), OpenMode::ReadWrite).await.unwrap())
}

fn machine() -> Machine {
    Machine::new()
}
