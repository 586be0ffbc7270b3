//! Accounts on Postgres: the door, and the command line.

// The same tests run on each store; what differs is where the store is.
#![allow(clippy::duplicate_mod)]

use std::path::Path;
use std::sync::Arc;

use morningai::store::PostgresLog;

use crate::support::machine::Machine;
use crate::support::postgres::{Database, PROGRAM};

#[path = "access_door.rs"]
mod door;
#[path = "story_access.rs"]
mod story;

type Store = PostgresLog;

async fn open_store(path: &Path) -> Arc<Store> {
    Arc::new(Database::standing_in_for(path).await.open_log().await)
}

/// A machine whose store is a new database.
fn machine() -> Machine {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(Database::migrated());
    Machine::new().with_store(&database.url(PROGRAM))
}
