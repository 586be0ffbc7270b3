//! What the server asks of the caretaker of the store that it serves. Only what is safe while work goes on.

use std::time::Duration;

use async_trait::async_trait;

use super::host::Unprepared;
use crate::domain::{Actor, Timestamp};
use crate::ports::Subjects;
use crate::shape::{BackupShape, Pruned, Rebuilt, StoreShape, Trial};

/// Upkeep of a store, while an orchestrator works on it.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// The people in it.
    fn subjects(&self) -> &dyn Subjects;

    /// How long runs are kept after they ended, where the configuration says so.
    fn keep_ended_runs(&self) -> Option<Duration>;

    async fn describe(&self) -> Result<StoreShape, Unprepared>;

    /// Writes a consistent copy to the server's own disk, under a name that the server chooses.
    async fn back_up(&self) -> Result<BackupShape, Unprepared>;

    /// Removes runs that ended before then, and their requests, in somebody's name; or only says what it would remove.
    async fn prune(&self, by: Actor, ended_before: Timestamp, trial: Trial) -> Result<Pruned, Unprepared>;

    /// The stored rows that are not what the log says, a sentence each.
    async fn compare_rows(&self) -> Result<Vec<String>, Unprepared>;

    /// Computes the stored rows from the log again.
    async fn rebuild(&self) -> Result<Rebuilt, Unprepared>;
}
