//! Where a log lives, by a name that another process understands too. A further store is a variant here and a line in
//! each method; all tests beside this file then run on it as well.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use morningai::domain::Tenant;
use morningai::kinds::Envelope;
use morningai::ports::Log;
use morningai::store::{OpenMode, PostgresLog, SqliteLog};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;

use crate::store_tamper::raw_sql;
use crate::support::postgres::{Database, PROGRAM};
use crate::support::postgres_failing::superuser_at;

const MOST: Duration = Duration::from_secs(120);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Place {
    Sqlite(PathBuf),
    /// A tenant of a database, so that many share one.
    Postgres {
        url: String,
        superuser: String,
        tenant: String,
        data: PathBuf,
    },
}

/// What places are made on.
pub enum Ground {
    Sqlite,
    Postgres(Box<Database>),
}

impl Ground {
    pub fn postgres() -> Self {
        Self::Postgres(Box::new(in_place(Database::migrated())))
    }

    /// A new one for a directory, always the same for the same.
    pub fn place_in(&self, dir: &Path) -> Place {
        match self {
            Self::Sqlite => Place::sqlite_in(dir),
            Self::Postgres(database) => Place::postgres_in(database, database.url(PROGRAM), dir),
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "Postgres",
        }
    }
}

/// Makes two tests of each function, one on each store.
macro_rules! on_each_store {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite {
            $(
                #[test]
                fn $test() {
                    super::$test(&super::Ground::Sqlite);
                }
            )*
        }

        mod on_postgres {
            $(
                #[test]
                fn $test() {
                    super::$test(&super::Ground::postgres());
                }
            )*
        }
    };
}
pub(super) use on_each_store;

impl Place {
    pub fn sqlite_in(dir: &Path) -> Self {
        Self::Sqlite(dir.join("log.db"))
    }

    /// `url` leads the program to the database.
    pub fn postgres_in(database: &Database, url: String, dir: &Path) -> Self {
        let tenant = dir.file_name().unwrap().to_str().unwrap().to_owned();
        Self::Postgres { url, superuser: database.url("postgres"), tenant, data: dir.to_owned() }
    }

    pub async fn open(&self) -> Arc<dyn Log> {
        match self {
            Self::Sqlite(path) => {
                Arc::new(SqliteLog::open(path, Tenant::default(), OpenMode::ReadWrite).await.unwrap())
            }
            Self::Postgres { url, tenant, data, .. } => {
                let (address, tenant) = (url.parse().unwrap(), Tenant(tenant.as_str().into()));
                Arc::new(PostgresLog::open(&address, tenant, OpenMode::ReadWrite, data).await.unwrap())
            }
        }
    }

    /// Until another process has added to the log since it ended at `seq`.
    pub async fn until_past(&self, seq: u64) {
        let log = self.open().await;
        let mut head = log.watch_head();
        tokio::time::timeout(MOST, head.wait_for(|known| *known > seq)).await.expect("it does not go on").unwrap();
    }

    /// As if so much time had gone by since the death of the last process that nobody's lease lasts any more, and
    /// nothing that it asked for is still under way.
    pub async fn let_leases_lapse(&self) {
        match self {
            Self::Sqlite(path) => raw_sql(path, "UPDATE lease SET until = 0").await,
            Self::Postgres { superuser, tenant, .. } => {
                let mut superuser = superuser_at(superuser).await;
                let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                              AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
                while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut superuser).await.unwrap() > 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                let lapse = format!("UPDATE morningai.lease SET until = 0 WHERE tenant = '{tenant}'");
                sqlx::raw_sql(AssertSqlSafe(lapse)).execute(&mut superuser).await.unwrap();
            }
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

/// Does asynchronous work for a test that is not.
pub fn in_place<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
