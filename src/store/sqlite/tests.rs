//! Tests that reach inside: a full disk, a caller that stops waiting, the plans of queries.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::SqliteLog;
use crate::domain::{Actor, RunId, Tenant, Timestamp};
use crate::kinds::{Event, RunEvent, Stream};
use crate::ports::{Batch, Log, LogErrorKind, NewEvent};
use crate::store::OpenMode;

fn batch(after: u64, count: u64) -> Batch {
    let event = |version| NewEvent {
        stream: Stream::Run(RunId(Uuid::from_u128(1))),
        version,
        at: Timestamp::UNIX_EPOCH,
        by: Actor::System,
        event: Event::Run(RunEvent::Paused { reason: "x".repeat(2_000), over: None }),
    };
    Batch { after, events: (after + 1..=after + count).map(event).collect(), ..Batch::default() }
}

async fn open(dir: &tempfile::TempDir) -> SqliteLog {
    SqliteLog::open(&dir.path().join("store.db"), Tenant::default(), OpenMode::ReadWrite).await.unwrap()
}

async fn limit_pages(log: &SqliteLog, pages: u32) {
    let sql = format!("PRAGMA max_page_count = {pages}");
    let mut writer = log.store.writer().await.unwrap();
    let theirs = sql.clone();
    writer.appender.perform(move |connection| connection.execute_batch(&theirs)).await.unwrap().unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut writer.connection).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_loses_nothing_acknowledged_and_the_store_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir).await;
    limit_pages(&log, 60).await;
    let mut acknowledged = 0;
    let error = loop {
        match log.append(batch(acknowledged, 5)).await {
            Ok(done) => acknowledged = done.last().unwrap().seq,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind, LogErrorKind::NotSaved, "{error}");
    assert!(error.hint.contains("free some space"), "{}", error.hint);
    assert!(acknowledged >= 5 && log.head().await.unwrap().seq == acknowledged);
    assert_eq!(log.append(batch(acknowledged, 200)).await.unwrap_err().kind, LogErrorKind::NotSaved);
    assert_eq!(log.put_blob(&[7; 500_000]).await.unwrap_err().kind, LogErrorKind::NotSaved);

    limit_pages(&log, 1_000_000).await;
    log.append(batch(acknowledged, 5)).await.unwrap();
    let report = log.verify(&[]).await.unwrap();
    assert_eq!((report.problems, report.events), (vec![], acknowledged + 5));
}

#[tokio::test]
async fn a_caller_that_stops_waiting_leaves_no_transaction_open() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir).await;
    let mut head = log.watch_head();
    log.append(batch(0, 3)).await.unwrap();
    for count in 2..=20 {
        let waiting = log.append(batch((count - 1) * 3, 3));
        // Polled once, then dropped, wherever it has come to.
        futures::future::select(Box::pin(waiting), std::future::ready(())).await;
        head.wait_for(|seq| *seq == count * 3).await.unwrap();
    }
    assert_eq!(log.verify(&[]).await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn each_question_is_answered_from_an_index_without_sorting() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir).await;
    let event = "SELECT body FROM event WHERE tenant = 'local' AND";
    let row = "SELECT body FROM projection WHERE tenant = 'local' AND kind = 'run' AND";
    for question in [
        format!("{event} seq > 5 ORDER BY seq LIMIT 9"),
        format!("{event} seq < 5 ORDER BY seq DESC LIMIT 9"),
        format!("{event} stream = x'00' AND version > 5 ORDER BY version LIMIT 9"),
        format!("{row} is_open = 1 ORDER BY sort DESC, id DESC"),
        format!("{row} is_open = 0 ORDER BY sort DESC, id DESC LIMIT 9 OFFSET 5"),
        format!("{row} true ORDER BY sort DESC, id DESC LIMIT 9 OFFSET 5"),
        format!("{row} id = x'00'"),
    ] {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {question}"));
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&log.store.readers).await.unwrap();
        let [(.., step)] = &plan[..] else { panic!("{question}: {plan:?}") };
        assert!(step.starts_with("SEARCH") && step.contains("INDEX"), "{question}: {step}");
    }
}

#[tokio::test]
async fn the_watching_task_ends_with_its_last_listener_and_starts_again() {
    let dir = tempfile::tempdir().unwrap();
    let (log, other) = (open(&dir).await, open(&dir).await);
    drop(log.watch_head());
    tokio::time::timeout(std::time::Duration::from_secs(5), async {
        while log.store.listeners.are_looked_for() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it goes on without a listener");
    let mut head = log.watch_head();
    other.append(batch(0, 1)).await.unwrap();
    head.wait_for(|seq| *seq == 1).await.unwrap();
}
