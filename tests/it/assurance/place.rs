//! Where a log lives, by a name that another process understands too. A further store is a variant here and a line in
//! each method; all tests beside this file then run on it as well.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use morningai::domain::Envelope;
use morningai::domain::Tenant;
use morningai::ports::Log;
use morningai::store::OpenMode;
use morningai::store::SqliteLog;
use serde::Deserialize;
use serde::Serialize;

use crate::store_tamper::raw_sql;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Place {
    Sqlite(PathBuf),
}

impl Place {
    pub fn sqlite_in(dir: &Path) -> Self {
        Self::Sqlite(dir.join("log.db"))
    }

    pub async fn open(&self) -> Arc<dyn Log> {
        match self {
            Self::Sqlite(path) => {
                Arc::new(SqliteLog::open(path, Tenant::default(), OpenMode::ReadWrite).await.unwrap())
            }
        }
    }

    /// As if so much time had gone by that nobody's lease lasts any more.
    pub async fn let_leases_lapse(&self) {
        match self {
            Self::Sqlite(path) => raw_sql(path, "UPDATE lease SET until = 0").await,
        }
    }
}

/// Every event after `seq`.
pub async fn events_after(log: &dyn Log, mut seq: u64) -> Vec<Envelope> {
    let mut events = Vec::new();
    loop {
        let page = log.read(seq, 1_000).await.unwrap();
        let Some(last) = page.last() else { return events };
        seq = last.seq;
        events.extend(page);
    }
}
