//! The Postgres store: the contract, and what is particular to a server that others share.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use morningai::domain::Tenant;
use morningai::ports::{Log, LogErrorKind};
use morningai::store::{OpenMode, PostgresLog, SqliteLog};
use sqlx::ConnectOptions;

use crate::store_contract;
use crate::store_contract::{Storage, append_one, batch, paused, run};
use crate::store_tamper::raw_sql;
use crate::support::postgres::{Cluster, Database, LOCKED, OWNER, PROGRAM};

#[async_trait]
impl Storage for Database {
    async fn open(&self, tenant: &str) -> Arc<dyn Log> {
        Arc::new(self.log(PROGRAM, tenant, OpenMode::ReadWrite).await.unwrap())
    }
}

macro_rules! contract {
    ($($clause:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                store_contract::$clause(&Database::migrated().await).await;
            }
        )*
    };
}

contract![
    what_is_appended_is_read_back_the_same,
    several_writers_get_dense_numbers,
    a_batch_decided_on_an_old_log_is_a_conflict,
    a_lease_has_one_holder_and_growing_tokens,
    a_renewed_lease_lasts_on,
    a_lease_asked_for_ever_is_a_lease_like_any_other,
    an_append_without_its_lease_is_fenced,
    rows_are_found_newest_first_by_state,
    a_request_is_remembered_with_what_came_of_it_and_never_carried_out_twice,
    rows_are_found_by_their_state_their_parent_and_the_time_they_wait_for,
    a_row_is_replaced_under_its_key_and_all_of_them_at_once,
    reading_back_goes_page_by_page,
    a_search_takes_its_text_literally,
    a_blob_is_found_under_its_hash,
    tenants_do_not_see_each_other,
    a_commit_elsewhere_is_noticed_in_time,
    ones_own_commit_is_announced_before_append_returns,
];

/// The error of an opening that must fail, whole, as a person would read it.
async fn refusal(database: &Database, role: &str, mode: OpenMode) -> (LogErrorKind, String) {
    refusal_of(&database.url(role), mode).await
}

async fn refusal_of(url: &str, mode: OpenMode) -> (LogErrorKind, String) {
    let data = tempfile::tempdir().unwrap();
    let opened = PostgresLog::open(&url.parse().unwrap(), Tenant::default(), mode, data.path()).await;
    let error = opened.expect_err("it was opened");
    assert!(!error.hint.is_empty(), "no hint: {error}");
    (error.kind, format!("{} ({})", error.message, error.hint))
}

#[tokio::test]
async fn the_owner_creates_the_schema_when_first_started() {
    let database = Database::empty().await;
    let log = database.log(OWNER, "local", OpenMode::ReadWrite).await.unwrap();
    append_one(&log, run(1), 1, "x").await;
    log.close().await.unwrap();
    let log = database.log(OWNER, "local", OpenMode::ReadWrite).await.unwrap();
    assert_eq!(*log.watch_head().borrow(), 1);
    assert_eq!(log.saved_heads().unwrap(), [log.head().await.unwrap()]);
}

#[tokio::test]
async fn many_may_create_the_same_store_at_once() {
    let database = Arc::new(Database::empty().await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let database = database.clone();
        tasks.spawn(async move { database.grant(PROGRAM).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    append_one(&database.open_log().await, run(1), 1, "x").await;
}

#[tokio::test]
async fn another_role_than_the_owner_is_told_who_must_do_what() {
    let database = Database::empty().await;
    let (kind, text) = refusal(&database, PROGRAM, OpenMode::ReadWrite).await;
    assert_eq!(kind, LogErrorKind::Unusable);
    assert!(text.contains("no log in postgres:") && text.contains("db migrate --db URL --grant"), "{text}");

    database.log(OWNER, "local", OpenMode::ReadWrite).await.unwrap();
    for mode in [OpenMode::ReadWrite, OpenMode::ReadOnly] {
        let (kind, text) = refusal(&database, PROGRAM, mode).await;
        assert!(kind == LogErrorKind::Unusable && text.contains("the role program may not"), "{text}");
        assert!(text.contains("--grant program"), "{text}");
    }
    let error = database.grant("no\"body").await.unwrap_err();
    assert!(error.message.contains("role \"no\"body\" does not exist"), "{error}");
    database.grant(PROGRAM).await.unwrap();
    append_one(&database.open_log().await, run(1), 1, "x").await;
}

#[tokio::test]
async fn a_role_that_may_only_read_opens_for_reading_alone() {
    let database = Database::migrated().await;
    append_one(&database.open_log().await, run(1), 1, "x").await;
    let take_away = "REVOKE INSERT ON morningai.event, morningai.lease FROM program";
    database.sql(OWNER, take_away).await;
    let (kind, text) = refusal(&database, PROGRAM, OpenMode::ReadWrite).await;
    assert!(kind == LogErrorKind::Unusable && text.contains("may not write"), "{text}");
    let log = database.log(PROGRAM, "local", OpenMode::ReadOnly).await.unwrap();
    assert_eq!(log.read(0, 9).await.unwrap().len(), 1);
    let error = log.append(batch(1, vec![paused(run(1), 2, "x")])).await.unwrap_err();
    assert!(error.message.contains("reading only"), "{error}");

    let no_function = "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA morningai FROM program";
    let select_alone = "REVOKE ALL ON ALL TABLES IN SCHEMA morningai FROM program;
        GRANT SELECT ON ALL TABLES IN SCHEMA morningai TO program";
    database.sql(OWNER, no_function).await;
    database.sql(OWNER, select_alone).await;
    let log = database.log(PROGRAM, "local", OpenMode::ReadOnly).await.unwrap();
    assert_eq!((log.read(0, 9).await.unwrap().len(), log.head().await.unwrap().seq), (1, 1));
}

#[tokio::test]
async fn the_programs_role_changes_no_event_and_no_table() {
    let database = Database::migrated().await;
    append_one(&database.open_log().await, run(1), 1, "x").await;
    for sql in [
        "UPDATE morningai.event SET body = ''",
        "DELETE FROM morningai.event",
        "TRUNCATE morningai.event",
        "ALTER TABLE morningai.event DISABLE ROW LEVEL SECURITY",
        "DROP POLICY of_tenant ON morningai.event",
        "COMMENT ON SCHEMA morningai IS ''",
        "CREATE TABLE morningai.mine (x int)",
    ] {
        let refused = sqlx::raw_sql(sql).execute(&mut database.connect(PROGRAM).await).await.unwrap_err();
        assert_eq!(refused.as_database_error().and_then(|error| error.code()).as_deref(), Some("42501"), "{sql}");
    }
}

#[tokio::test]
async fn a_store_of_a_newer_version_or_of_another_program_is_refused_unchanged() {
    let database = Database::migrated().await;
    database.sql(OWNER, "COMMENT ON SCHEMA morningai IS 'morningai store, version 99'").await;
    for (role, mode) in [(PROGRAM, OpenMode::ReadWrite), (OWNER, OpenMode::ReadWrite), (PROGRAM, OpenMode::ReadOnly)] {
        let (kind, text) = refusal(&database, role, mode).await;
        assert_eq!(kind, LogErrorKind::TooNew);
        assert!(text.contains("version 99") && text.contains("versions up to "), "{text}");
    }
    database.sql(OWNER, "COMMENT ON SCHEMA morningai IS NULL").await;
    let (kind, text) = refusal(&database, OWNER, OpenMode::ReadWrite).await;
    assert!(kind == LogErrorKind::Unusable && text.contains("another program"), "{text}");
}

#[tokio::test]
async fn a_caller_that_is_not_let_in_reads_why_and_no_secret() {
    let database = Database::migrated().await;
    let host = Cluster::shared().dir.display();
    let wrong_password = format!("postgres://{LOCKED}:hunter2@/{}?host={host}", database.name);
    let (kind, text) = refusal_of(&wrong_password, OpenMode::ReadWrite).await;
    assert!(kind == LogErrorKind::Unusable && text.contains("password authentication failed"), "{text}");
    assert!(text.contains("PGPASSWORD") && !text.contains("hunter2"), "{text}");

    let no_database = format!("postgres://{PROGRAM}@/nowhere?host={host}");
    let (kind, text) = refusal_of(&no_database, OpenMode::ReadWrite).await;
    assert!(kind == LogErrorKind::Unusable && text.contains("\"nowhere\" does not exist"), "{text}");

    let unknown_host = "postgres://u:hunter2@no-such-host.invalid/db?connect_timeout=3";
    let (kind, text) = refusal_of(unknown_host, OpenMode::ReadWrite).await;
    assert!(text.contains("no-such-host.invalid") && !text.contains("hunter2"), "{kind:?} {text}");

    let no_server = tempfile::tempdir().unwrap();
    let (kind, text) =
        refusal_of(&format!("postgres:///db?host={}", no_server.path().display()), OpenMode::ReadWrite).await;
    assert!(kind == LogErrorKind::Busy && text.contains("check that the server runs"), "{text}");
}

#[tokio::test]
async fn the_right_password_lets_in() {
    let database = Database::migrated().await;
    database.grant(LOCKED).await.unwrap();
    let host = Cluster::shared().dir.display();
    let url = format!("postgres://{LOCKED}:{LOCKED}@/{}?host={host}", database.name);
    let log =
        PostgresLog::open(&url.parse().unwrap(), Tenant::default(), OpenMode::ReadWrite, database.data.path()).await;
    let log = log.unwrap();
    append_one(&log, run(1), 1, "x").await;
    assert!(!log.place().contains(LOCKED) && !format!("{log:?}").contains(LOCKED), "{log:?}");
}

#[tokio::test]
async fn hosts_are_tried_until_one_answers() {
    let database = Database::migrated().await;
    let nowhere = tempfile::tempdir().unwrap();
    let (dead, alive) = (nowhere.path().display(), Cluster::shared().dir.display());
    let url = format!("postgres://{PROGRAM}@/{}?host={dead}&host={alive}", database.name);
    let log =
        PostgresLog::open(&url.parse().unwrap(), Tenant::default(), OpenMode::ReadWrite, database.data.path()).await;
    append_one(&log.unwrap(), run(1), 1, "x").await;
    let (_, text) = refusal_of(&format!("postgres:///x?host={dead}&host={dead}"), OpenMode::ReadWrite).await;
    assert!(text.contains("no host answers as the primary"), "{text}");
}

#[tokio::test]
async fn what_is_closed_answers_nothing() {
    let database = Database::migrated().await;
    let log = database.open_log().await;
    append_one(&log, run(1), 1, "x").await;
    log.close().await.unwrap();
    let error = log.append(batch(1, vec![paused(run(1), 2, "late")])).await.unwrap_err();
    assert!(error.message.contains("is closed"), "{error}");
}

/// The recipe of `store`'s documentation, with the tools it names.
#[tokio::test]
async fn an_auditor_needs_only_common_tools() {
    let database = Database::migrated().await;
    let log = database.open_log().await;
    log.append(batch(0, vec![paused(run(1), 1, "Größe \"x\"\n\u{1}"), paused(run(2), 1, "y")])).await.unwrap();
    let head = log.head().await.unwrap();
    let psql = |sql: &str| {
        format!("psql -XAtq -h {} -U {PROGRAM} {} -c \"{sql}\"", Cluster::shared().dir.display(), database.name)
    };
    let shell = |line: String| {
        let path = format!("{}:{}", Cluster::programs().display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.arg("-c").arg(&line).env("PATH", path).env("PGOPTIONS", "-c morningai.tenant=local");
        let output = command.output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap().split_whitespace().next().unwrap_or_default().to_owned()
    };
    let line = |seq: u64| psql(&format!("SELECT line FROM morningai.event_line() WHERE seq = {seq}")) + " | sha256sum";
    let prev = psql("SELECT encode(prev, 'hex') FROM morningai.event WHERE seq = 2");
    assert_eq!(shell(line(1)), shell(prev));
    assert_eq!(shell(line(2)), head.hash);
}

/// A kind of stream that this program does not know is shown as its row has it, and by both stores alike.
#[tokio::test]
async fn both_stores_name_a_stream_to_an_auditor_by_its_row() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("store.db");
    let sqlite = SqliteLog::open(&file, Tenant::default(), OpenMode::ReadWrite).await.unwrap();
    sqlite.close().await.unwrap();
    let database = Database::migrated().await;
    let named = [("72", "run"), ("61", "approval"), ("75", "account"), ("69", "69"), ("00", "00"), ("ff", "ff")];
    let id = uuid::Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    for (seq, (byte, _)) in (1..).zip(named) {
        let columns = "tenant, seq, stream, version, at, actor, prev, body";
        let (stream, rest) = (format!("{byte}{}", id.simple()), r#"1, 5, 'system', "#);
        let row = |bytes: &str, none: &str| format!("('local', {seq}, {bytes}, {rest}{none}, '{{\"type\":\"t\"}}'");
        let insert = format!("INSERT INTO event ({columns}) VALUES {})", row(&format!("x'{stream}'"), "x''"));
        raw_sql(&file, &insert).await;
        let values = row(&format!("'\\x{stream}'"), "''");
        let insert = format!("INSERT INTO morningai.event ({columns}, hash) VALUES {values}, '')");
        database.sql("postgres", &insert).await;
    }
    let mut connection = database.connect("postgres").await;
    let ours: Vec<String> = sqlx::query_scalar("SELECT line FROM morningai.event_line() ORDER BY seq")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let mut connection = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
    let theirs: Vec<String> =
        sqlx::query_scalar("SELECT line FROM event_line ORDER BY seq").fetch_all(&mut connection).await.unwrap();
    assert_eq!(ours, theirs);
    for (line, (_, name)) in ours.iter().zip(named) {
        assert!(line.contains(&format!(",\"{name}:{id}\",1,5,")), "{line}");
    }
}

#[tokio::test]
async fn a_lease_from_before_the_servers_clock_was_set_keeps_nobody_out() {
    let database = Database::migrated().await;
    let log = database.open_log().await;
    log.claim(run(1), "before", Duration::from_secs(9)).await.unwrap().unwrap();
    database.sql("postgres", "UPDATE morningai.lease SET until = until + 3600000000").await;
    assert!(log.claim(run(1), "after", Duration::from_secs(9)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_renewal_that_nobody_waits_for_does_not_come_after_the_release() {
    let database = Database::migrated().await;
    let log = database.open_log().await;
    for _ in 0..30 {
        let lease = log.claim(run(1), "a", Duration::from_secs(9)).await.unwrap().unwrap();
        let renewal = log.claim(run(1), "a", Duration::from_secs(9));
        // Polled once, then dropped, wherever it has come to.
        futures::future::select(renewal, std::future::ready(())).await;
        log.release(&lease).await.unwrap();
        let next = log.claim(run(1), "b", Duration::from_secs(9)).await.unwrap().expect("it was renewed again");
        log.release(&next).await.unwrap();
    }
}

/// Old versions go by themselves, and the newest stays.
#[tokio::test]
async fn a_lease_that_is_renewed_all_the_time_leaves_few_rows() {
    let database = Database::migrated().await;
    let log = database.open_log().await;
    let first = log.claim(run(1), "a", Duration::from_secs(9)).await.unwrap();
    for _ in 0..100 {
        assert_eq!(log.claim(run(1), "a", Duration::from_secs(9)).await.unwrap(), first);
    }
    let mut connection = database.connect("postgres").await;
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM morningai.lease").fetch_one(&mut connection).await.unwrap();
    assert!((1..=17).contains(&rows), "{rows}");
}
