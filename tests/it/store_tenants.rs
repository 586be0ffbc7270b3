//! No tenant reaches another's rows: in Postgres by policy, for every table the catalogue knows; in SQLite by the one
//! handle that everything goes through. The logs are encrypted, so that the tables of keys have rows too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use morningai::domain::{Actor, IdempotencyKey, Tenant};
use morningai::kinds::{Row, RowKey, RowKind, Stream};
use morningai::ports::{AccessWrite, Account, AccountRows, Answered, Batch, Log, Pruning, Session};
use morningai::runtime::Turns;
use morningai::store::{OpenMode, SqliteLog};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row as _};

use crate::accounts_contract::{Commit, account, created, hash, token, updated, writes};
use crate::sealed_contract::key;
use crate::store_contract::{append_one, at, batch, paused, run};
use crate::support::postgres::{Database, OWNER, PROGRAM};

const OURS: &str = "ours";
const THEIRS: &str = "theirs";
const LONG: Duration = Duration::from_secs(9);

/// Every table gets a row.
async fn fill(log: &dyn Log, tenant: &str) {
    let key = RowKey { kind: RowKind::Run, id: run(1).to_string() };
    let row = Row {
        key,
        is_open: true,
        sort: at(1),
        state: String::new(),
        parent: None,
        due: None,
        body: format!("\"{tenant}\""),
    };
    let key = IdempotencyKey::new(&Actor::System, tenant, &1);
    let answers = vec![Answered { key, first: 1, events: 1, at: at(1) }];
    log.append(Batch { rows: vec![row], answers, ..batch(0, vec![paused(run(1), 1, tenant)]) }).await.unwrap();
    log.put_blob(tenant.as_bytes()).await.unwrap();
    log.claim(run(1), tenant, LONG).await.unwrap().unwrap();
}

/// The same of the tables that hold accounts.
async fn fill_accounts(accounts: &impl AccountRows, tenant: &str) {
    let ana = account(1, "ana");
    accounts.commit(created(&ana)).await.unwrap();
    let number = tenant.len() as u8;
    let session = Session { hash: hash(100 + number), account: ana.id, created_at: at(1), last_used_at: at(1) };
    let rows = vec![AccessWrite::Issue(token(number, &ana)), AccessWrite::Begin(session)];
    accounts.commit(writes(rows)).await.unwrap();
}

async fn change_accounts(accounts: &impl AccountRows) {
    let ana = account(1, "ana");
    accounts.commit(updated(&Account { version: 2, ..ana.clone() })).await.unwrap();
    let ends = vec![
        AccessWrite::RevokeAll { account: ana.id, at: at(2) },
        AccessWrite::EndAll(ana.id),
        AccessWrite::Sweep { unused_since: at(9) },
    ];
    accounts.commit(writes(ends)).await.unwrap();
}

/// Everything the port can change, done for one tenant.
async fn do_everything(log: &dyn Log) {
    append_one(log, run(1), 2, "more").await;
    log.replace_rows(log.head().await.unwrap().seq, &[]).await.unwrap();
    log.put_blob(b"more").await.unwrap();
    let lease = log.claim(run(1), OURS, LONG).await.unwrap().unwrap();
    log.release(&lease).await.unwrap();
    log.claim(run(2), OURS, LONG).await.unwrap().unwrap();
}

async fn tables(connection: &mut PgConnection) -> Vec<String> {
    let sql = "SELECT relname::text FROM pg_class WHERE relnamespace = 'morningai'::regnamespace
               AND relkind IN ('r', 'p', 'f') ORDER BY 1";
    sqlx::query_scalar(sql).fetch_all(connection).await.unwrap()
}

/// Relations that a query could read another tenant through, and why.
async fn unprotected(connection: &mut PgConnection) -> Vec<String> {
    let sql = "
        SELECT format('%s: %s', relname, CASE
            WHEN relkind NOT IN ('r', 'p') THEN 'a relation of kind ' || relkind::text
            WHEN NOT relrowsecurity THEN 'row security is off'
            WHEN NOT relforcerowsecurity THEN 'row security is not forced on the owner'
            ELSE 'no policy by tenant, or more than that one' END)
        FROM pg_class
        WHERE relnamespace = 'morningai'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
            AND NOT (relkind IN ('r', 'p') AND relrowsecurity AND relforcerowsecurity AND (
                SELECT count(*) = 1 AND bool_and(polcmd = '*' AND polpermissive AND polroles = '{0}'
                    AND pg_get_expr(polqual, polrelid)
                        = '(tenant = NULLIF(current_setting(''morningai.tenant''::text, true), ''''::text))'
                    AND polwithcheck IS NULL)
                FROM pg_policy WHERE polrelid = pg_class.oid))
        ORDER BY 1";
    sqlx::query_scalar(sql).fetch_all(connection).await.unwrap()
}

async fn database_of_two() -> Database {
    let database = Database::migrated().await;
    for tenant in [OURS, THEIRS] {
        let log = database.sealed_log(PROGRAM, tenant, &key(1)).await;
        fill(&log, tenant).await;
        fill_accounts(&log, tenant).await;
        // Writes the head.
        log.close().await.unwrap();
        // As the owner's pruning leaves it.
        let pruned = format!("INSERT INTO morningai.pruned VALUES ('{tenant}', 9, '', 1, 1, '', '', 10)");
        database.sql("postgres", &pruned).await;
    }
    database
}

/// What the superuser sees of a tenant, table by table.
async fn seen(database: &Database, tenant: &str) -> BTreeMap<String, Vec<String>> {
    let mut connection = database.connect("postgres").await;
    let mut found = BTreeMap::new();
    for table in tables(&mut connection).await {
        let sql = format!("SELECT t::text FROM morningai.{table} AS t WHERE tenant = $1 ORDER BY 1");
        let rows = sqlx::query_scalar(AssertSqlSafe(sql)).bind(tenant).fetch_all(&mut connection).await.unwrap();
        found.insert(table, rows);
    }
    found
}

#[tokio::test]
async fn every_table_has_its_policy_and_one_without_is_found() {
    let database = Database::migrated().await;
    let mut owner = database.connect(OWNER).await;
    assert!(tables(&mut owner).await.len() >= 9);
    assert_eq!(unprotected(&mut owner).await, Vec::<String>::new());
    database.sql(OWNER, "CREATE TABLE morningai.leaky (tenant text); CREATE VIEW morningai.seen AS SELECT 1").await;
    assert_eq!(unprotected(&mut owner).await, ["leaky: row security is off", "seen: a relation of kind v"]);
    database.sql(OWNER, "ALTER TABLE morningai.leaky ENABLE ROW LEVEL SECURITY; DROP VIEW morningai.seen").await;
    assert_eq!(unprotected(&mut owner).await, ["leaky: row security is not forced on the owner"]);
    database.sql(OWNER, "ALTER TABLE morningai.leaky FORCE ROW LEVEL SECURITY").await;
    database.sql(OWNER, "CREATE POLICY all_of_it ON morningai.leaky USING (true)").await;
    assert_eq!(unprotected(&mut owner).await, ["leaky: no policy by tenant, or more than that one"]);
}

#[tokio::test]
async fn each_table_refuses_each_verb_across_tenants_on_a_connection_used_again() {
    let database = database_of_two().await;
    let before = seen(&database, THEIRS).await;
    for role in [PROGRAM, OWNER] {
        let mut connection = database.connect(role).await;
        for table in tables(&mut connection).await {
            assert!(!before[&table].is_empty(), "{table} was not filled, so nothing is tested");
            with_context(&mut connection, &table, role).await;
            without_context(&mut connection, &table, role).await;
        }
    }
    assert_eq!(seen(&database, THEIRS).await, before);
}

/// Statements that must touch nothing of the other tenant: refused, or of no effect.
fn attacks(table: &str) -> [String; 5] {
    let name = format!("morningai.{table}");
    [
        format!("SELECT FROM {name} WHERE tenant = '{THEIRS}'"),
        format!(
            "INSERT INTO {name} SELECT (jsonb_populate_record(t, jsonb_build_object('tenant', '{THEIRS}'))).* FROM {name} AS t"
        ),
        format!("UPDATE {name} SET tenant = '{THEIRS}'"),
        format!("UPDATE {name} SET tenant = '{OURS}' WHERE tenant = '{THEIRS}'"),
        format!("DELETE FROM {name} WHERE tenant = '{THEIRS}'"),
    ]
}

async fn with_context(connection: &mut PgConnection, table: &str, role: &str) {
    for sql in attacks(table) {
        let mut transaction = connection.begin().await.unwrap();
        let set = format!("SELECT set_config('morningai.tenant', '{OURS}', true)");
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut *transaction).await.unwrap();
        let own = format!("SELECT count(*) FROM morningai.{table}");
        let own: i64 = sqlx::query_scalar(AssertSqlSafe(own)).fetch_one(&mut *transaction).await.unwrap();
        assert!(own > 0, "{role} does not see its own rows in {table}");
        expect_nothing(&mut transaction, &sql, role).await;
        // As if it had worked: what got through would show in the end.
        let _ = transaction.commit().await;
    }
}

/// The connection has just served a tenant, and now serves nobody.
async fn without_context(connection: &mut PgConnection, table: &str, role: &str) {
    for context in ["SELECT 1", "SET morningai.tenant = ''", "RESET morningai.tenant"] {
        sqlx::raw_sql(context).execute(&mut *connection).await.unwrap();
        let all = format!("SELECT FROM morningai.{table}");
        expect_nothing(connection, &all, role).await;
        for sql in attacks(table) {
            expect_nothing(connection, &sql, role).await;
        }
        let changed = format!("DELETE FROM morningai.{table}");
        expect_nothing(connection, &changed, role).await;
    }
}

async fn expect_nothing(connection: &mut PgConnection, sql: &str, role: &str) {
    match sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await {
        Ok(done) => assert_eq!(done.rows_affected(), 0, "{role}: {sql}"),
        Err(error) => {
            let code = error.as_database_error().and_then(|error| error.code().map(String::from));
            assert_eq!(code.as_deref(), Some("42501"), "{role}: {sql}: {error}");
        }
    }
}

#[tokio::test]
async fn nothing_that_is_done_for_one_tenant_changes_another_in_postgres() {
    let database = database_of_two().await;
    let before = seen(&database, THEIRS).await;
    let log = database.sealed_log(PROGRAM, OURS, &key(1)).await;
    do_everything(&log).await;
    change_accounts(&log).await;
    log.close().await.unwrap();
    assert_eq!(seen(&database, THEIRS).await, before);
}

#[tokio::test]
async fn nothing_that_is_done_for_one_tenant_changes_another_in_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let encryption = key(1);
    let open = |tenant: &str| SqliteLog::open_with(&path, Tenant(tenant.into()), OpenMode::ReadWrite, &encryption);
    let (ours, theirs) = (Arc::new(open(OURS).await.unwrap()), Arc::new(open(THEIRS).await.unwrap()));
    fill(&*ours, OURS).await;
    fill(&*theirs, THEIRS).await;
    fill_accounts(&*ours, OURS).await;
    fill_accounts(&*theirs, THEIRS).await;
    prune(&theirs).await;
    let before = seen_in_sqlite(&path, THEIRS).await;
    do_everything(&*ours).await;
    change_accounts(&*ours).await;
    prune(&ours).await;
    assert_eq!(seen_in_sqlite(&path, THEIRS).await, before);
    assert_eq!(theirs.verify(&[]).await.unwrap().problems, Vec::<String>::new());
}

/// A run that is removed again.
async fn prune(log: &SqliteLog) {
    append_one(log, run(7), 1, "long ago").await;
    let pruning = Pruning {
        ended_before: at(1_000),
        streams: vec![Stream::Run(run(7))],
        events: 1,
        spent: Vec::new(),
        began: Default::default(),
        at: at(2_000),
        by: Actor::System,
    };
    Turns::default().prune(log, log, &pruning).await.unwrap();
}

/// Table by table; one without a tenant, or without a row, fails.
async fn seen_in_sqlite(path: &std::path::Path, tenant: &str) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut connection = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    let tables = sqlx::query_scalar::<_, String>("SELECT name FROM sqlite_schema WHERE type = 'table'");
    let mut found = BTreeMap::new();
    for table in tables.fetch_all(&mut connection).await.unwrap() {
        let columns = format!("SELECT group_concat('quote(' || name || ')', ' || ') FROM pragma_table_info('{table}')");
        let columns: String = sqlx::query_scalar(AssertSqlSafe(columns)).fetch_one(&mut connection).await.unwrap();
        let sql = format!("SELECT CAST({columns} AS BLOB) FROM {table} WHERE tenant = $1 ORDER BY 1");
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(tenant).fetch_all(&mut connection).await.unwrap();
        let rows: Vec<Vec<u8>> = rows.iter().map(|row| row.get(0)).collect();
        assert!(!rows.is_empty(), "{table} was not filled, so nothing is tested");
        found.insert(table, rows);
    }
    found
}
