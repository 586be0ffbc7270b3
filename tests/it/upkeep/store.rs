//! Stores with something of everything in them, and what lies in them row by row.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use morningai::domain::{BlobId, CallNo, Output, RunId, Tenant, ToolResult};
use morningai::kinds::{Event, RunEvent};
use morningai::ports::{AccessWrite, AccountRows, Log, NewEvent, Session};
use morningai::store::{OpenMode, SqliteLog};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};

use crate::accounts_contract::{Commit, hash, writes};
use crate::store_contract::{at, batch, paused, run};
use crate::support::machine::Machine;
use crate::support::postgres::Database;

const PASSWORD: &str = "rain on a tin roof\n";

/// Where a machine keeps its store when nothing is said.
pub fn store_of(machine: &Machine) -> PathBuf {
    machine.path("data/morningai.db")
}

pub async fn open(path: &Path, tenant: &str) -> SqliteLog {
    SqliteLog::open(path, Tenant(tenant.into()), OpenMode::ReadWrite).await.unwrap()
}

/// A run that looked at this machine and waits at its card, and one with a long output.
pub async fn with_runs() -> Machine {
    let machine = Machine::new();
    machine.run(&["run", "--runbook", "check-this-machine", "--until-waiting"]).ended(4);
    let log = open(&store_of(&machine), "local").await;
    add_output(&log, run(1), 1, b"a long output").await;
    log.close().await.unwrap();
    machine
}

/// The same with accounts, a token and a session.
pub async fn with_accounts() -> Machine {
    let machine = with_runs().await;
    machine.run_with_input(&["accounts", "add", "ana", "--role", "owner"], PASSWORD).ended(0);
    machine.run(&["tokens", "issue", "ana", "--label", "nightly", "--scope", "runs.read"]).ended(0);
    let log = open(&store_of(&machine), "local").await;
    let account = log.accounts().await.unwrap().remove(0).id;
    let session = Session { hash: hash(7), account, created_at: at(1), last_used_at: at(2) };
    log.commit(writes(vec![AccessWrite::Begin(session)])).await.unwrap();
    log.close().await.unwrap();
    machine
}

/// An output, and the event that names it.
pub async fn add_output(log: &dyn Log, run: RunId, version: u64, content: &[u8]) -> BlobId {
    let blob = log.put_blob(content).await.unwrap();
    let output = Output { blob: Some(blob.clone()), bytes: content.len() as u64, ..Output::text("a long") };
    let result = ToolResult::success("looked", output);
    let event = Event::Run(RunEvent::CallSettled { call: CallNo(1), attempt: 1, result });
    let after = log.head().await.unwrap().seq;
    let settled = NewEvent { event, ..paused(run, version, "") };
    log.append(batch(after, vec![settled])).await.unwrap();
    blob
}

/// Every row of a tenant in an SQLite file, table by table, in SQL's own notation; leases are nobody's to copy, and whether it is
/// encrypted each store says for itself.
pub async fn rows(path: &Path, tenant: &str) -> BTreeMap<String, Vec<String>> {
    let mut connection = SqliteConnectOptions::new().filename(path).read_only(true).connect().await.unwrap();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('lease', 'keyring') ORDER BY 1";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
    let mut found = BTreeMap::new();
    for table in tables {
        let columns =
            format!("SELECT group_concat('quote(' || name || ')', ' || '','' || ') FROM pragma_table_info('{table}')");
        let columns: String = sqlx::query_scalar(AssertSqlSafe(columns)).fetch_one(&mut connection).await.unwrap();
        let all = format!("SELECT {columns} FROM {table} WHERE tenant = $1 ORDER BY 1");
        let rows: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(all)).bind(tenant).fetch_all(&mut connection).await.unwrap();
        found.insert(table, rows);
    }
    found
}

/// The same of a database, without the same.
pub async fn database_rows(database: &Database, tenant: &str) -> BTreeMap<String, Vec<String>> {
    let mut connection = database.connect("postgres").await;
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'morningai'::regnamespace
                  AND relkind = 'r' AND relname NOT IN ('lease', 'keyring') ORDER BY 1";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.unwrap();
    let mut found = BTreeMap::new();
    for table in tables {
        let all = format!("SELECT t::text FROM morningai.{table} AS t WHERE tenant = $1 ORDER BY 1");
        let rows: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(all)).bind(tenant).fetch_all(&mut connection).await.unwrap();
        found.insert(table, rows);
    }
    found
}

/// Whether nothing of a tenant is there.
pub fn is_empty(rows: &BTreeMap<String, Vec<String>>) -> bool {
    rows.values().all(Vec::is_empty)
}
