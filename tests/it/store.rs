//! The SQLite store: the contract, and what is particular to a file on a disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use morningai::domain::Tenant;
use morningai::ports::{AccountRows, Accounts, Log, LogError, LogErrorKind};
use morningai::store::{OpenMode, SqliteLog};
use tempfile::TempDir;

use crate::accounts_contract::{AccountStorage, Commit, accounts_of};
use crate::store_contract::{Storage, append_one, batch, paused, run};
use crate::store_tamper::raw_sql;
use crate::{accounts_contract, store_contract};

struct SqliteFile(TempDir);

impl SqliteFile {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("store.db")
    }
}

#[async_trait]
impl AccountStorage for SqliteFile {
    async fn open_accounts(&self, tenant: &str) -> (Arc<dyn Accounts>, Arc<dyn Log>) {
        let log = SqliteLog::open(&self.path(), Tenant(tenant.into()), OpenMode::ReadWrite).await.unwrap();
        let log = Arc::new(log);
        (accounts_of(log.clone()), log)
    }
}

#[async_trait]
impl Storage for SqliteFile {
    async fn open(&self, tenant: &str) -> Arc<dyn Log> {
        Arc::new(SqliteLog::open(&self.path(), Tenant(tenant.into()), OpenMode::ReadWrite).await.unwrap())
    }
}

macro_rules! accounts_contract {
    ($($clause:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                accounts_contract::$clause(&SqliteFile::new()).await;
            }
        )*
    };
}

accounts_contract![
    an_account_is_read_back_as_it_was_written,
    a_change_and_what_the_log_says_of_it_are_one,
    of_two_changes_to_one_version_one_is_a_conflict,
    a_name_is_taken_once,
    a_witness_that_changed_stops_the_change,
    of_two_changes_that_rest_on_each_other_one_is_done,
    a_change_elsewhere_is_noticed_in_time,
    a_token_is_found_by_its_hash_until_it_is_revoked_and_after,
    sessions_are_found_used_ended_and_swept,
    tenants_share_no_account_token_or_session,
    access_events_and_others_share_one_dense_log,
];

macro_rules! contract {
    ($($clause:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                store_contract::$clause(&SqliteFile::new()).await;
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

async fn open(path: &Path, mode: OpenMode) -> Result<SqliteLog, LogError> {
    SqliteLog::open(path, Tenant::default(), mode).await
}

/// The error of an opening that must fail, whole, as a person would read it.
async fn refusal(path: &Path, mode: OpenMode) -> (LogErrorKind, String) {
    let error = open(path, mode).await.expect_err("it was opened");
    assert!(!error.hint.is_empty(), "no hint: {error}");
    (error.kind, format!("{} ({})", error.message, error.hint))
}

#[tokio::test]
async fn a_closed_store_is_one_file_and_its_saved_head_and_opens_where_it_ended() {
    let file = SqliteFile::new();
    let log = open(&file.path(), OpenMode::ReadWrite).await.unwrap();
    append_one(&log, run(1), 1, "x").await;
    let head = log.head().await.unwrap();
    log.close().await.unwrap();
    let mut names: Vec<_> = fs::read_dir(file.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["store.db", "store.db.head"]);
    let error = log.append(batch(1, vec![paused(run(1), 2, "late")])).await.unwrap_err();
    assert!(error.message.contains("is closed"), "{error}");

    let log = open(&file.path(), OpenMode::ReadWrite).await.unwrap();
    // Not held while we wait: the task that tells of new heads would wait for it, on this very thread.
    let known = *log.watch_head().borrow();
    assert_eq!((known, log.head().await.unwrap()), (1, head.clone()));
    assert_eq!(log.saved_heads().unwrap(), [head]);
    assert_eq!(append_one(&log, run(1), 2, "y").await, 2);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_what_we_create() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/deep/store.db");
    let log = open(&path, OpenMode::ReadWrite).await.unwrap();
    append_one(&log, run(1), 1, "x").await;
    let copy = dir.path().join("copy.db");
    log.backup_to(&copy).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for suffix in ["", "-wal", "-shm"] {
        let name = PathBuf::from(format!("{}{suffix}", path.display()));
        assert_eq!(mode(&name), 0o600, "{}", name.display());
    }
    assert_eq!((mode(path.parent().unwrap()), mode(&copy)), (0o700, 0o600));
    log.close().await.unwrap();
    assert_eq!(mode(&morningai::store::file_beside(&path)), 0o600);
}

#[tokio::test]
async fn many_may_create_the_same_store_at_once() {
    let file = SqliteFile::new();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let path = file.path();
        tasks.spawn(async move { open(&path, OpenMode::ReadWrite).await.map(|log| log.path().to_owned()) });
    }
    while let Some(opened) = tasks.join_next().await {
        assert_eq!(opened.unwrap().unwrap(), file.path());
    }
}

#[tokio::test]
async fn a_store_of_version_1_with_data_opens_and_goes_on() {
    let file = SqliteFile::new();
    raw_sql_creating(&file.path(), include_str!("../fixtures/store-1.sql")).await;
    let log = open(&file.path(), OpenMode::ReadWrite).await.unwrap();
    let events = log.read(0, 10).await.unwrap();
    assert_eq!(events.iter().map(|envelope| envelope.event.kind()).collect::<Vec<_>>(), ["run.paused", "run.resumed"]);
    assert_eq!(log.append(batch(2, vec![paused(run(7), 3, "now")])).await.unwrap()[0].seq, 3);
    assert_eq!(log.accounts().await.unwrap(), []);
    let ana = accounts_contract::account(1, "ana");
    log.commit(accounts_contract::created(&ana)).await.unwrap();
    assert_eq!(log.account(ana.id).await.unwrap(), Some(ana));
    assert_eq!(log.verify(&[]).await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_unchanged() {
    let file = SqliteFile::new();
    open(&file.path(), OpenMode::ReadWrite).await.unwrap().close().await.unwrap();
    raw_sql(&file.path(), "PRAGMA user_version = 99").await;
    for mode in [OpenMode::ReadWrite, OpenMode::ReadOnly] {
        let (kind, text) = refusal(&file.path(), mode).await;
        assert_eq!(kind, LogErrorKind::TooNew);
        assert!(text.contains("version 99") && text.contains("versions up to "), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_store_is_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let (kind, text) = refusal(dir.path(), OpenMode::ReadWrite).await;
    assert!(kind == LogErrorKind::Unusable && text.contains("is a directory"), "{text}");

    let letter = dir.path().join("letter.txt");
    fs::write(&letter, "Dear store, this is not a database, but it is longer than a header.".repeat(20)).unwrap();
    let (kind, text) = refusal(&letter, OpenMode::ReadWrite).await;
    assert!(kind == LogErrorKind::Unusable && text.contains("letter.txt: file is not a database"), "{text}");
    assert!(fs::read_to_string(&letter).unwrap().starts_with("Dear store"));

    let theirs = dir.path().join("theirs.db");
    raw_sql_creating(&theirs, "CREATE TABLE theirs (x)").await;
    let (kind, text) = refusal(&theirs, OpenMode::ReadWrite).await;
    assert!(kind == LogErrorKind::Unusable && text.contains("another program"), "{text}");

    let (kind, text) = refusal(&dir.path().join("none.db"), OpenMode::ReadOnly).await;
    assert!(kind == LogErrorKind::Unusable && text.contains("none.db"), "{text}");
    assert!(!dir.path().join("none.db").exists());

    let (kind, text) = refusal(Path::new("/proc/nowhere/store.db"), OpenMode::ReadWrite).await;
    assert!(kind == LogErrorKind::Unusable && text.contains("cannot create /proc/nowhere/store.db"), "{text}");
}

pub async fn raw_sql_creating(path: &Path, sql: &str) {
    fs::write(path, b"").unwrap();
    raw_sql(path, sql).await;
}

#[tokio::test]
async fn a_damaged_file_is_an_error_and_not_a_panic() {
    let file = SqliteFile::new();
    let log = open(&file.path(), OpenMode::ReadWrite).await.unwrap();
    let long = "x".repeat(3_000);
    log.append(batch(0, (1..=40).map(|version| paused(run(1), version, &long)).collect())).await.unwrap();
    log.close().await.unwrap();
    let mut bytes = fs::read(file.path()).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0xa5);
    fs::write(file.path(), bytes).unwrap();
    let log = open(&file.path(), OpenMode::ReadWrite).await.unwrap();
    let error = log.read(0, 100).await.unwrap_err();
    assert_eq!(error.kind, LogErrorKind::Unusable);
    assert!(error.message.contains("store.db") && error.hint.contains("restore"), "{} {}", error.message, error.hint);
}

#[tokio::test]
async fn a_store_opened_for_reading_shows_what_others_write_and_writes_nothing() {
    let file = SqliteFile::new();
    let writing = open(&file.path(), OpenMode::ReadWrite).await.unwrap();
    append_one(&writing, run(1), 1, "x").await;
    let reading = open(&file.path(), OpenMode::ReadOnly).await.unwrap();
    append_one(&writing, run(1), 2, "y").await;
    assert_eq!(reading.read(0, 10).await.unwrap().len(), 2);
    let error = reading.append(batch(2, vec![paused(run(1), 3, "z")])).await.unwrap_err();
    assert!(error.message.contains("reading only"), "{error}");
    reading.close().await.unwrap();
    assert_eq!(writing.head().await.unwrap().seq, 2);
}

#[tokio::test]
async fn a_backup_made_while_writing_goes_on_is_a_whole_store() {
    let file = SqliteFile::new();
    let log = open(&file.path(), OpenMode::ReadWrite).await.unwrap();
    for version in 1..=3 {
        append_one(&log, run(1), version, "x").await;
    }
    let head = log.head().await.unwrap();
    let target = file.0.path().join("copy.db");
    log.backup_to(&target).await.unwrap();
    append_one(&log, run(1), 4, "x").await;

    let copy = open(&target, OpenMode::ReadWrite).await.unwrap();
    let report = copy.verify(std::slice::from_ref(&head)).await.unwrap();
    assert_eq!((report.problems, report.head), (vec![], head));
    assert_eq!(append_one(&copy, run(1), 4, "elsewhere").await, 4);
    let error = log.backup_to(&target).await.unwrap_err();
    assert!(error.message.contains("copy.db") && error.hint.contains("not exist"), "{} {}", error.message, error.hint);
    assert_eq!(copy.read(0, 10).await.unwrap().len(), 4, "the backup was written over");
}

/// The recipe of `store`'s documentation, with the tools it names.
#[tokio::test]
async fn an_auditor_needs_only_common_tools() {
    let file = SqliteFile::new();
    let log = open(&file.path(), OpenMode::ReadWrite).await.unwrap();
    log.append(batch(0, vec![paused(run(1), 1, "Größe \"x\"\n\u{1}"), paused(run(2), 1, "y")])).await.unwrap();
    log.commit(accounts_contract::created(&accounts_contract::account(1, "ana"))).await.unwrap();
    let head = log.head().await.unwrap();
    log.close().await.unwrap();
    let recipe = |seq: u64| {
        format!("sqlite3 store.db \"SELECT line FROM event_line WHERE tenant = 'local' AND seq = {seq}\" | sha256sum")
    };
    let prev = |seq: u64| {
        format!("sqlite3 store.db \"SELECT lower(hex(prev)) FROM event WHERE tenant = 'local' AND seq = {seq}\"")
    };
    let shell = |line: &str| {
        let output = Command::new("sh").arg("-c").arg(line).current_dir(file.0.path()).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().split_whitespace().next().unwrap_or_default().to_owned()
    };
    assert_eq!(shell(&recipe(1)), shell(&prev(2)));
    assert_eq!(shell(&recipe(2)), shell(&prev(3)));
    assert_eq!(shell(&recipe(3)), head.hash);
}

#[tokio::test]
async fn a_lease_from_before_the_last_boot_keeps_nobody_out() {
    let file = SqliteFile::new();
    let log = file.open("local").await;
    log.claim(run(1), "before", Duration::from_secs(9)).await.unwrap().unwrap();
    raw_sql(&file.path(), "UPDATE lease SET until = until + 3600000000").await;
    assert!(log.claim(run(1), "after", Duration::from_secs(9)).await.unwrap().is_some());
}
