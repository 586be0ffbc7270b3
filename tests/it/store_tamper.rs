//! Somebody changes the log with a tool of their own: `verify` says so, and where.

use std::path::Path;
use std::sync::Arc;

use morningai::domain::Tenant;
use morningai::ports::{Log, VerifyReport};
use morningai::store::{OpenMode, SqliteLog};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::store_contract::{append_one, batch, paused, run};

const EVENTS: u64 = 6;

pub async fn raw_sql(path: &Path, sql: &str) {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn open(path: &Path) -> SqliteLog {
    SqliteLog::open(path, Tenant::default(), OpenMode::ReadWrite).await.unwrap()
}

/// What `verify` says after six events were written, the store closed, and `sql` run on the file.
async fn report_after(sql: &str) -> VerifyReport {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let log = open(&path).await;
    let events = (1..=EVENTS).map(|version| paused(run(1), version, &format!("event {version}"))).collect();
    log.append(batch(0, events)).await.unwrap();
    log.close().await.unwrap();
    raw_sql(&path, sql).await;
    open(&path).await.verify(&[]).await.unwrap()
}

#[tokio::test]
async fn an_untouched_log_is_sound_and_was_checked_against_its_saved_head() {
    let report = report_after("SELECT 1").await;
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(report.events, EVENTS);
    assert_eq!(report.checked, [report.head]);
}

#[tokio::test]
async fn a_changed_event_is_named() {
    for change in [
        "UPDATE event SET body = replace(body, 'event 3', 'event X') WHERE seq = 3",
        "UPDATE event SET at = at + 1 WHERE seq = 3",
        "UPDATE event SET actor = 'person:eve' WHERE seq = 3",
        "UPDATE event SET stream = CAST(x'61' || substr(stream, 2) AS BLOB) WHERE seq = 3",
    ] {
        let report = report_after(change).await;
        assert!(report.problems[0].starts_with("event 3 "), "{change}: {:?}", report.problems);
    }
    let last = report_after("UPDATE event SET at = at + 1 WHERE seq = 6").await;
    assert!(last.problems[0].contains("event 6"), "{:?}", last.problems);
    let first = report_after("UPDATE event SET prev = zeroblob(32) WHERE seq = 1").await;
    assert!(first.problems[0].starts_with("event 1 "), "{:?}", first.problems);
}

#[tokio::test]
async fn a_removed_event_is_named() {
    let report = report_after("DELETE FROM event WHERE seq = 3").await;
    assert_eq!(report.problems[0], "event 3 is missing");
    let report = report_after("DELETE FROM event WHERE seq IN (2, 3)").await;
    assert_eq!(report.problems[0], "events 2 to 3 are missing");
    let report = report_after(
        "DELETE FROM event WHERE seq = 3;
         UPDATE event SET seq = seq - 1 WHERE seq > 3; UPDATE head SET seq = seq - 1",
    )
    .await;
    assert!(report.problems.iter().any(|problem| problem.starts_with("event 2 is not the row")), "{report:?}");
    assert!(report.problems.iter().any(|problem| problem.contains("version 4 of run:")), "{report:?}");
}

#[tokio::test]
async fn reordered_events_are_named() {
    let swap = "UPDATE event SET seq = 100 WHERE seq = 3; UPDATE event SET seq = 3 WHERE seq = 4;
                UPDATE event SET seq = 4 WHERE seq = 100";
    let report = report_after(swap).await;
    assert!(report.problems[0].starts_with("event 2 is not the row that event 3 follows"), "{report:?}");
    assert!(report.problems.iter().any(|problem| problem.starts_with("event 3 has version 4")), "{report:?}");
}

#[tokio::test]
async fn an_inserted_event_is_named() {
    let at_the_end = "INSERT INTO event SELECT tenant, 7, stream, 7, at, actor, prev, body FROM event WHERE seq = 6";
    let report = report_after(at_the_end).await;
    assert!(report.problems.iter().any(|problem| problem.contains("the last one is event 7")), "{report:?}");
    let between = "UPDATE event SET seq = -seq WHERE seq >= 4; UPDATE event SET seq = 1 - seq WHERE seq < 0;
                   INSERT INTO event SELECT tenant, 4, stream, 99, at, actor, prev, body FROM event WHERE seq = 3;
                   UPDATE head SET seq = 7";
    let report = report_after(between).await;
    assert!(report.problems.iter().any(|problem| problem.starts_with("event 3 is not the row")), "{report:?}");
}

#[tokio::test]
async fn a_cut_log_shows_against_the_saved_head_even_when_the_head_row_fits() {
    let careless = report_after("DELETE FROM event WHERE seq > 4").await;
    assert!(careless.problems[0].contains("the head row names event 6, the last one is event 4"), "{careless:?}");
    let careful = "UPDATE head SET hash = (SELECT prev FROM event WHERE seq = 5), seq = 4;
                   DELETE FROM event WHERE seq > 4";
    let report = report_after(careful).await;
    assert_eq!(report.problems, ["a head was saved at event 6, but the log ends at event 4: it was cut"]);
}

#[tokio::test]
async fn evidence_of_a_cut_survives_later_appends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let log = open(&path).await;
    for version in 1..=4 {
        append_one(&log, run(1), version, "as it was").await;
    }
    log.close().await.unwrap();
    raw_sql(
        &path,
        "UPDATE head SET hash = (SELECT prev FROM event WHERE seq = 3), seq = 2; DELETE FROM event WHERE seq > 2",
    )
    .await;
    let log = open(&path).await;
    for version in 3..=5 {
        append_one(&log, run(1), version, "as somebody wants it").await;
    }
    log.close().await.unwrap();
    let report = open(&path).await.verify(&[]).await.unwrap();
    assert_eq!(report.checked.iter().map(|head| head.seq).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(report.problems, ["the log up to event 4 is not the one whose head was saved there"]);
}

#[tokio::test]
async fn a_head_saved_elsewhere_is_checked_too() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir.path().join("store.db")).await;
    append_one(&log, run(1), 1, "x").await;
    let early = log.head().await.unwrap();
    append_one(&log, run(1), 2, "x").await;
    assert_eq!(log.verify(std::slice::from_ref(&early)).await.unwrap().problems, Vec::<String>::new());
    let forged = morningai::ports::Head { hash: "0".repeat(64), ..early };
    let report = log.verify(std::slice::from_ref(&forged)).await.unwrap();
    assert!(report.problems[0].contains("event 1"), "{report:?}");
    assert_eq!(report.checked, [forged]);
}

#[tokio::test]
async fn a_changed_output_is_not_given_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let log = Arc::new(open(&path).await);
    let id = log.put_blob(b"true output").await.unwrap();
    raw_sql(&path, "UPDATE blob SET content = x'00'").await;
    let error = log.get_blob(&id).await.unwrap_err();
    assert!(error.message.contains(&id.0), "{}", error.message);
}
