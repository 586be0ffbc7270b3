//! Durable steps through the engine, the runtime and SQLite, beside the raw commit rate of the same disk.
//!
//! Prints ratios to a raw limit taken in the same run; it asserts nothing, for an fsync here takes what it takes.
//! `cargo bench --bench steps [-- one many history approval]`

#[path = "support/desk.rs"]
mod desk;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::*;
use morningai::store::{OpenMode, SqliteLog};
use sqlx::Connection;

use desk::{Desk, cpu_time, median, micros, person};

fn main() {
    // Names of parts after `--`; none: all.
    let wanted: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let asks_for = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let raw = raw_commits().await;
        println!(
            "raw single-row commit          p50 {:>9.1} µs   {:>8.0}/s   {:.0} µs CPU",
            micros(raw.p50),
            raw.rate,
            micros(raw.cpu)
        );
        if asks_for("one") {
            one_run(&raw).await;
        }
        if asks_for("many") {
            many_runs(&raw).await;
        }
        if asks_for("history") {
            history().await;
        }
        if asks_for("approval") {
            approval_to_start(&raw).await;
        }
    });
}

struct Raw {
    p50: Duration,
    rate: f64,
    cpu: Duration,
}

/// Rows of one kilobyte, one a transaction, with the same durability as the store.
async fn raw_commits() -> Raw {
    let dir = tempfile::tempdir().unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(dir.path().join("raw.db"))
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)").execute(&mut connection).await.unwrap();
    let body = "x".repeat(1024);
    let mut times = Vec::new();
    let cpu = cpu_time();
    let began = Instant::now();
    for _ in 0..1000 {
        let began = Instant::now();
        sqlx::query("INSERT INTO t (body) VALUES ($1)").bind(body.clone()).execute(&mut connection).await.unwrap();
        times.push(began.elapsed());
    }
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    let cpu = (cpu_time() - cpu) / 1000;
    Raw { p50: median(&mut times), rate, cpu }
}

async fn one_run(raw: &Raw) {
    let (desk, _store) = open(0).await;
    let cpu = cpu_time();
    let commits = desk.log.appends.load(Ordering::Relaxed);
    let began = Instant::now();
    desk.carry_through(1, 1000).await;
    let elapsed = began.elapsed();
    let per_step = elapsed / 1000;
    println!(
        "one run, 1000 steps            p50 {:>9.1} µs   {:>8.0}/s   {:.2}× a raw commit   {:.0} µs CPU a step   {:.2} commits a step",
        micros(per_step),
        1000.0 / elapsed.as_secs_f64(),
        per_step.as_secs_f64() / raw.p50.as_secs_f64(),
        micros(cpu_time() - cpu) / 1000.0,
        (desk.log.appends.load(Ordering::Relaxed) - commits) as f64 / 1000.0,
    );
}

async fn many_runs(raw: &Raw) {
    let (desk, _store) = open(0).await;
    let cpu = cpu_time();
    let began = Instant::now();
    desk.carry_through(32, 100).await;
    let elapsed = began.elapsed();
    let rate = 3200.0 / elapsed.as_secs_f64();
    println!(
        "32 runs × 100 steps                             {:>8.0}/s   {:.1}× the raw rate   {:.0} µs CPU a step   {:.1} steps a commit",
        rate,
        rate / raw.rate,
        micros(cpu_time() - cpu) / 3200.0,
        3200.0 / desk.log.appends.load(Ordering::Relaxed) as f64,
    );
}

/// 1,000 steps that add a kilobyte each.
async fn history() {
    let (desk, store) = open(1024).await;
    let runs = desk.carry_through(1, 1000).await;
    let began = Instant::now();
    let page = desk.log.read_stream(Stream::Run(runs[0]), 1000, 100).await.unwrap();
    let page_time = began.elapsed();
    assert_eq!(page.len(), 100);
    desk.runtime.shut_down(Duration::from_secs(5)).await;
    store.log.close().await.unwrap();
    let bytes = std::fs::metadata(store.log.path()).unwrap().len();
    println!(
        "1000 steps of 1 KB             {:.2} MB in the store   a page of 100 events {:.2} ms",
        bytes as f64 / 1e6,
        micros(page_time) / 1000.0
    );
}

/// From a person's decision to the first instruction of the effect, in the same process.
async fn approval_to_start(raw: &Raw) {
    let (desk, _store) = open(0).await;
    let mut times = Vec::new();
    for _ in 0..50 {
        let run = desk.start(1, "push").await;
        let approval = loop {
            let (snapshot, mut feed) = desk.runtime.open();
            match snapshot.open_approvals().find(|approval| approval.run == run) {
                Some(approval) => break approval.clone(),
                None => drop(feed.recv().await),
            }
        };
        let command = ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(approval.id);
        let began = Instant::now();
        desk.runtime.submit(command, person()).await.unwrap();
        let started = desk.started.notified();
        tokio::time::timeout(Duration::from_secs(5), started).await.unwrap();
        times.push(began.elapsed());
        desk.until_over(&[run]).await;
    }
    let p50 = median(&mut times);
    println!(
        "approval to start of effect    p50 {:>9.1} µs   one commit and {:.0} µs",
        micros(p50),
        micros(p50.saturating_sub(raw.p50))
    );
}

/// A store in a directory that goes with it.
struct Store {
    log: Arc<SqliteLog>,
    _dir: tempfile::TempDir,
}

/// An orchestrator on a new store; each step of its runs returns this many bytes.
async fn open(output: usize) -> (Desk, Store) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let log = Arc::new(SqliteLog::open(&path, Tenant::default(), OpenMode::ReadWrite).await.unwrap());
    (Desk::on(log.clone(), output).await, Store { log, _dir: dir })
}
