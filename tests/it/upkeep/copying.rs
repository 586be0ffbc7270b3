//! Copies between stores: nothing is lost, nothing is changed, nobody else's is touched.

use std::collections::BTreeSet;

use morningai::ports::Log;
use morningai::store::OpenMode;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use super::store::{add_output, database_rows, is_empty, open, rows, store_of, with_accounts, with_runs};
use crate::store_contract::{append_one, run};
use crate::support::postgres::{Database, PROGRAM};

/// Tables that are about a store and its processes, not about what a tenant has; what they say follows from the rest.
const NOT_COPIED: [&str; 5] = ["answer", "head", "keyring", "lease", "listing"];

#[tokio::test(flavor = "multi_thread")]
async fn a_store_goes_to_postgres_and_back_without_a_difference() {
    let machine = with_runs().await;
    let database = Database::migrated().await;
    let postgres = database.url(PROGRAM);
    let there = machine.run(&["--json", "db", "copy", &postgres]).ended(0).json().remove(0);
    let verified = machine.run(&["--json", "log", "verify"]).ended(0).json().remove(0);
    assert_eq!((&there["events"], &there["head"]), (&verified["events"], &verified["head"]["hash"]));
    assert_eq!(there["outputs"], 1);

    let elsewhere = machine.run(&["--json", "--db", &postgres, "log", "verify"]).ended(0).json().remove(0);
    assert_eq!(elsewhere["head"], verified["head"]);
    for list in ["runs", "approvals"] {
        let [ours, theirs] = [vec!["--json", list], vec!["--json", "--db", &postgres, list]]
            .map(|arguments| machine.run(&arguments).ended(0).json());
        assert!(!ours.is_empty() && ours == theirs, "{list}: {ours:?} {theirs:?}");
    }

    machine.run(&["--db", &postgres, "db", "copy", "sqlite:back.db"]).ended(0);
    let (before, after) = (rows(&store_of(&machine), "local").await, rows(&machine.path("back.db"), "local").await);
    assert!(["event", "projection", "blob", "head"].iter().all(|table| !before[*table].is_empty()), "{before:?}");
    assert_eq!(before, after);
    machine.run(&["--db", "sqlite:back.db", "log", "verify"]).ended(0);
    // The copy is a store like any other: work goes on in it.
    machine.run(&["--db", &postgres, "run", "--runbook", "check-this-machine", "--until-waiting"]).ended(4);
    machine.run(&["--db", &postgres, "log", "verify"]).ended(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_tokens_and_sessions_come_along() {
    let machine = with_accounts().await;
    machine.run(&["db", "copy", "sqlite:copy.db"]).ended(0);
    let (before, after) = (rows(&store_of(&machine), "local").await, rows(&machine.path("copy.db"), "local").await);
    assert!(["account", "token", "session"].iter().all(|table| before[*table].len() == 1), "{before:?}");
    assert_eq!(before, after);
    let [ours, theirs] = [vec!["--json", "accounts"], vec!["--json", "--db", "sqlite:copy.db", "accounts"]]
        .map(|arguments| machine.run(&arguments).ended(0).json());
    assert_eq!(ours, theirs);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_never_left_behind_in_silence() {
    let machine = with_accounts().await;
    let database = Database::migrated().await;
    let postgres = database.url(PROGRAM);
    let copied = machine.run(&["db", "copy", &postgres]);
    if database_rows(&database, "local").await.contains_key("account") {
        copied.ended(0);
        machine.run(&["--db", &postgres, "db", "copy", "sqlite:back.db"]).ended(0);
        assert_eq!(rows(&store_of(&machine), "local").await, rows(&machine.path("back.db"), "local").await);
    } else {
        assert!(copied.ended(2).err.contains("no place for accounts"));
        assert!(is_empty(&database_rows(&database, "local").await));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_tenants_are_neither_copied_nor_touched() {
    let machine = with_runs().await;
    let theirs = open(&store_of(&machine), "theirs").await;
    add_output(&theirs, run(9), 1, b"their output").await;
    theirs.close().await.unwrap();
    let database = Database::migrated().await;
    let known = database.log(PROGRAM, "known", OpenMode::ReadWrite).await.unwrap();
    append_one(&known, run(5), 1, "was here before").await;
    known.close().await.unwrap();
    let before = database_rows(&database, "known").await;

    machine.run(&["db", "copy", &database.url(PROGRAM)]).ended(0);
    assert_eq!(database_rows(&database, "known").await, before);
    assert!(is_empty(&database_rows(&database, "theirs").await));
    machine.run(&["db", "copy", "sqlite:copy.db"]).ended(0);
    assert!(is_empty(&rows(&machine.path("copy.db"), "theirs").await));
    // What a place lacks of one tenant can be added to it later.
    machine.run(&["--tenant", "theirs", "db", "copy", "sqlite:copy.db"]).ended(0);
    for tenant in ["local", "theirs"] {
        assert_eq!(rows(&machine.path("copy.db"), tenant).await, rows(&store_of(&machine), tenant).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_is_copied_in_pieces_while_others_append() {
    let machine = with_runs().await;
    let log = open(&store_of(&machine), "local").await;
    let start = log.head().await.unwrap().seq;
    let many = (1..=1_001).map(|version| crate::store_contract::paused(run(2), version, "again")).collect();
    log.append(crate::store_contract::batch(start, many)).await.unwrap();
    let copying = machine.command(&["--json", "db", "copy", "sqlite:copy.db"]).spawn().unwrap();
    let mut version = 0;
    let mut copying = Some(copying);
    let copied = loop {
        version += 1;
        append_one(&log, run(3), version, "meanwhile").await;
        if let Some(mut child) = copying.take() {
            match child.try_wait().unwrap() {
                Some(_) => break crate::support::machine::Ran::from(child.wait_with_output().unwrap()),
                None => copying = Some(child),
            }
        }
    };
    log.close().await.unwrap();
    let events = copied.ended(0).json()[0]["events"].as_u64().unwrap();
    assert!(events >= start + 1_001, "{events}");
    let (all, some) = (rows(&store_of(&machine), "local").await, rows(&machine.path("copy.db"), "local").await);
    let copied: BTreeSet<_> = some["event"].iter().collect();
    assert_eq!(copied.len() as u64, events);
    assert!(copied.is_subset(&all["event"].iter().collect()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_copied_or_known_not_to_be() {
    let machine = with_runs().await;
    let mut file = SqliteConnectOptions::new().filename(store_of(&machine)).connect().await.unwrap();
    let sql = "SELECT schema.name, columns.name FROM sqlite_schema AS schema, pragma_table_info(schema.name) AS columns
               WHERE schema.type = 'table' AND columns.name <> 'tenant'";
    let in_sqlite: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(&mut file).await.unwrap();
    let database = Database::migrated().await;
    let sql = "SELECT relname::text, attname::text FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
               WHERE relnamespace = 'morningai'::regnamespace AND relkind = 'r' AND attnum > 0 AND attname <> 'tenant'
                   AND (relname, attname) NOT IN (('event', 'hash'), ('projection', 'version'))";
    let in_postgres: Vec<(String, String)> =
        sqlx::query_as(sql).fetch_all(&mut database.connect("postgres").await).await.unwrap();
    let copied: BTreeSet<_> = morningai::store::copied_columns().collect();
    for (store, columns) in [("SQLite", in_sqlite), ("Postgres", in_postgres)] {
        assert!(columns.len() > 10, "{columns:?}");
        for (table, column) in columns.iter().filter(|(table, _)| !NOT_COPIED.contains(&table.as_str())) {
            assert!(
                copied.contains(&(table.as_str(), column.as_str())),
                "{table}.{column} of {store} is in no part of src/store/copying/part.rs, so a copy would lose it"
            );
        }
    }
}
