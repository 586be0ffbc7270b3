//! Backups, of either store, and what becomes of them: whole ones are put back, others are told from them.

use std::fs;
use std::path::{Path, PathBuf};

use morningai::ports::Log;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};

use super::killed::unfinished;
use super::store::{add_output, open, rows, store_of, with_accounts, with_runs};
use crate::store_contract::{append_one, run};
use crate::store_tamper::raw_sql;
use crate::support::machine::Machine;
use crate::support::postgres::{Database, PROGRAM};

/// What a trial leaves behind.
fn left_behind(machine: &Machine) -> Vec<PathBuf> {
    [unfinished(&machine.path("data")), unfinished(machine.home())].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_postgres_is_a_store_in_a_file() {
    let machine = with_runs().await;
    let database = Database::migrated().await;
    let postgres = database.url(PROGRAM);
    machine.run(&["db", "copy", &postgres]).ended(0);
    let head = machine.run(&["--json", "log", "verify"]).ended(0).json().remove(0)["head"].clone();

    machine.run(&["--db", &postgres, "db", "backup", "backup.db"]).ended(0);
    assert_eq!(rows(&machine.path("backup.db"), "local").await, rows(&store_of(&machine), "local").await);
    let again = machine.run(&["--db", &postgres, "db", "backup", "backup.db"]).ended(2);
    assert!(again.err.contains("backup.db") && again.err.contains("does not exist yet"), "{}", again.err);
    let tried = machine.run(&["--json", "db", "restore", "backup.db", "--verify"]).ended(0).json().remove(0);
    assert_eq!((&tried["head"], tried["tenant"].as_str(), &tried["outputs"]), (&head, Some("local"), &1.into()));

    let fresh = Database::migrated().await;
    for db in [fresh.url(PROGRAM), "sqlite:restored.db".to_owned()] {
        let restored = machine.run(&["--json", "--db", &db, "db", "restore", "backup.db"]).ended(0).json().remove(0);
        assert_eq!(restored["head"], head["hash"]);
        let verified = machine.run(&["--json", "--db", &db, "log", "verify"]).ended(0).json().remove(0);
        assert_eq!(verified["head"], head);
        machine.run(&["--db", &db, "db", "restore", "backup.db"]).ended(2);
    }
    assert_eq!(rows(&machine.path("restored.db"), "local").await, rows(&store_of(&machine), "local").await);
    assert_eq!(left_behind(&machine), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_made_while_others_append_are_each_one_state() {
    let machine = with_runs().await;
    let database = Database::migrated().await;
    let postgres = database.url(PROGRAM);
    machine.run(&["db", "copy", &postgres]).ended(0);
    let log = std::sync::Arc::new(database.open_log().await);
    let (stop, stopped) = tokio::sync::watch::channel(());
    let appending = tokio::spawn(async move {
        let mut version = 0;
        while !stopped.has_changed().unwrap_or(true) {
            version += 1;
            append_one(log.as_ref(), run(2), version, "meanwhile").await;
        }
        version
    });
    for number in 0..3 {
        let file = format!("backup-{number}.db");
        machine.run(&["--db", &postgres, "db", "backup", &file]).ended(0);
        machine.run(&["db", "restore", &file, "--verify"]).ended(0);
    }
    stop.send(()).unwrap();
    assert!(appending.await.unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_several_tenants_is_tried_as_a_whole_and_restored_one_by_one() {
    let machine = with_accounts().await;
    let theirs = open(&store_of(&machine), "theirs").await;
    add_output(&theirs, run(9), 1, b"their output").await;
    theirs.close().await.unwrap();
    machine.run(&["db", "backup", "backup.db"]).ended(0);
    let tried = machine.run(&["--json", "db", "restore", "backup.db", "--verify"]).ended(0).json();
    assert_eq!(tried.iter().map(|one| one["tenant"].as_str().unwrap()).collect::<Vec<_>>(), ["local", "theirs"]);

    let restored = machine.run(&["--db", "new.db", "db", "restore", "backup.db"]).ended(0);
    assert!(restored.err.contains("also in it: tenant theirs"), "{}", restored.err);
    machine.run(&["--db", "new.db", "--tenant", "theirs", "db", "restore", "backup.db"]).ended(0);
    for tenant in ["local", "theirs"] {
        assert_eq!(rows(&machine.path("new.db"), tenant).await, rows(&store_of(&machine), tenant).await);
    }
    let unknown = machine.run(&["--db", "new.db", "--tenant", "them", "db", "restore", "backup.db"]).ended(2);
    assert!(unknown.err.contains("it has: local, theirs"), "{}", unknown.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_backup_is_refused_by_name() {
    let machine = with_runs().await;
    machine.run(&["db", "backup", "good.db"]).ended(0);
    let good = fs::read(machine.path("good.db")).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(machine.path(name), bytes).unwrap();
    write("empty.db", b"");
    write("text.db", &b"not a database at all\n".repeat(100));
    write("cut.db", &good[..good.len() / 2]);
    write("header.db", &good[..60]);
    write("newer.db", &good);
    raw_sql(&machine.path("newer.db"), "PRAGMA user_version = 99").await;
    write("other.db", b"");
    raw_sql(&machine.path("other.db"), "CREATE TABLE theirs (x)").await;
    fs::create_dir(machine.path("dir.db")).unwrap();
    for (file, why) in [
        ("missing.db", "cannot read the backup missing.db"),
        ("dir.db", "it is not a file"),
        ("empty.db", "is empty"),
        ("text.db", "cannot read the backup text.db"),
        ("cut.db", "cannot read the backup cut.db"),
        ("header.db", "cannot read the backup header.db"),
        ("newer.db", "version 99, this program knows versions up to"),
        ("other.db", "a database of another program"),
    ] {
        for arguments in [&["db", "restore", file, "--verify"][..], &["--db", "new.db", "db", "restore", file]] {
            let refused = machine.run(arguments).ended(2);
            assert!(refused.err.contains(why) && refused.err.contains("next:"), "{file}: {}", refused.err);
        }
        assert!(!machine.path("new.db").exists(), "{file} left a store");
    }
    assert_eq!(left_behind(&machine), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_changed_is_not_restored() {
    let machine = with_runs().await;
    machine.run(&["db", "backup", "good.db"]).ended(0);
    for (change, why) in [
        ("UPDATE event SET body = replace(body, 'a', 'b') WHERE seq = 2", "event 2 "),
        ("DELETE FROM event WHERE seq = 3", "event 3 is missing"),
        ("UPDATE blob SET content = x'00'", "is not what was stored"),
        ("DELETE FROM blob", "is missing, which event "),
        ("DELETE FROM projection WHERE kind = 'run'", "it is missing"),
    ] {
        fs::copy(machine.path("good.db"), machine.path("bad.db")).unwrap();
        raw_sql(&machine.path("bad.db"), change).await;
        for arguments in [&["db", "restore", "bad.db", "--verify"][..], &["--db", "new.db", "db", "restore", "bad.db"]]
        {
            let refused = machine.run(arguments).ended(1);
            assert!(refused.err.contains(why), "{change}: {}", refused.err);
        }
        assert!(!machine.path("new.db").exists(), "{change}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_from_an_earlier_version_is_brought_up_to_date() {
    let machine = Machine::new();
    let path = machine.path("old.db");
    let first = include_str!("../../../src/store/sqlite/migrations/0001_log.sql");
    let marks = "PRAGMA application_id = 1836020334; PRAGMA user_version = 1;";
    fs::File::create_new(&path).unwrap();
    let old = "INSERT INTO blob VALUES ('local', unhex('a591a6d40bf420404a011733cfb7b190d62c65bf0bcda32b57b277d9ad9f146e'), CAST('Hello World' AS BLOB))";
    raw_sql(&path, &format!("{first}; {marks} {old}")).await;
    let before = fs::read(&path).unwrap();
    let tried = machine.run(&["--json", "db", "restore", "old.db", "--verify"]).ended(0).json().remove(0);
    assert_eq!((tried["events"].as_u64(), tried["outputs"].as_u64()), (Some(0), Some(1)));
    machine.run(&["db", "restore", "old.db"]).ended(0);
    assert_eq!(version_of(&store_of(&machine)).await, version_of(&fresh(&machine).await).await);
    assert_eq!(fs::read(&path).unwrap(), before, "a backup is not changed by being looked at");
}

async fn fresh(machine: &Machine) -> std::path::PathBuf {
    let path = machine.path("fresh.db");
    open(&path, "local").await.close().await.unwrap();
    path
}

async fn version_of(path: &Path) -> i64 {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    sqlx::query_scalar(AssertSqlSafe("PRAGMA user_version".to_owned())).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_still_in_use_may_be_named_as_a_backup() {
    let machine = with_runs().await;
    let log = open(&store_of(&machine), "local").await;
    append_one(&log, run(2), 1, "only in the write-ahead log").await;
    let head = log.head().await.unwrap();
    let file = store_of(&machine).display().to_string();
    let tried = machine.run(&["--json", "db", "restore", &file, "--verify"]).ended(0).json().remove(0);
    assert_eq!(tried["head"]["hash"].as_str(), Some(head.hash.as_str()));
    log.close().await.unwrap();
}
