//! A store that nobody looks after: figures are taken without.

use std::time::Duration;

use async_trait::async_trait;
use morningai::domain::{Actor, Timestamp};
use morningai::ports::Subjects;
use morningai::server::{Unprepared, Upkeep};
use morningai::shape::{BackupShape, Pruned, Rebuilt, StoreShape, Trial};

pub struct NoUpkeep;

#[async_trait]
impl Upkeep for NoUpkeep {
    fn subjects(&self) -> &dyn Subjects {
        unreachable!("nobody is exported or erased here")
    }

    fn keep_ended_runs(&self) -> Option<Duration> {
        None
    }

    async fn describe(&self) -> Result<StoreShape, Unprepared> {
        unreachable!("nobody asks what the store is")
    }

    async fn back_up(&self) -> Result<BackupShape, Unprepared> {
        unreachable!("no backup is taken here")
    }

    async fn prune(&self, _: Actor, _: Timestamp, _: Trial) -> Result<Pruned, Unprepared> {
        unreachable!("nothing is pruned here")
    }

    async fn compare_rows(&self) -> Result<Vec<String>, Unprepared> {
        unreachable!("no rows are compared here")
    }

    async fn rebuild(&self) -> Result<Rebuilt, Unprepared> {
        unreachable!("nothing is rebuilt here")
    }
}
