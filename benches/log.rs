//! The log alone, without engine and runtime: what a commit, a page and an opening cost, beside the raw rate.
//!
//! Raw commits and ours take turns on the same disk, for an fsync takes what it takes. Prints; it asserts nothing.
//! `cargo bench --bench log`, with `-- EVENTS` for another length of history than 1,000,000.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use morningai::domain::{
    Actor, Authority, CallNo, CardDigest, EffectCard, EffectClass, Environment, Output, Payload, Repeat, Reversibility,
    Risk, RunId, Tenant, Timestamp, ToolName, ToolResult, Untrusted,
};
use morningai::kinds::{Event, Row, RowKey, RowKind, RunEvent, Stream};
use morningai::ports::{Batch, Log, NewEvent, RowFilter, RowQuery};
use morningai::store::{OpenMode, SqliteLog};
use sqlx::{Connection, SqliteConnection};
use uuid::Uuid;

const ROUNDS: u32 = 5;
const STEPS_A_ROUND: u32 = 200;
const RUNS: u32 = 32;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let history = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    runtime.block_on(async {
        commits().await;
        opening(history).await;
    });
}

async fn commits() {
    let dir = tempfile::tempdir().unwrap();
    let mut raw = Raw::open(dir.path()).await;
    let mut alone = Bench::open(&dir.path().join("alone.db"), 1).await;
    let mut grouped = Bench::open(&dir.path().join("grouped.db"), RUNS).await;
    let (mut of_raw, mut of_alone, mut of_grouped) = (Times::default(), Times::default(), Times::default());
    for _ in 0..ROUNDS {
        let cpu = cpu_time();
        for _ in 0..STEPS_A_ROUND {
            of_raw.take(raw.commit()).await;
        }
        of_raw.cpu += cpu_time() - cpu;
        let cpu = cpu_time();
        for _ in 0..STEPS_A_ROUND {
            of_alone.take(alone.step_of_each_run()).await;
        }
        of_alone.cpu += cpu_time() - cpu;
        let cpu = cpu_time();
        for _ in 0..STEPS_A_ROUND {
            of_grouped.take(grouped.step_of_each_run()).await;
        }
        of_grouped.cpu += cpu_time() - cpu;
    }
    let (raw_p50, alone_p50) = (of_raw.p50(), of_alone.p50());
    println!(
        "raw commit of one row     p50 {:>8.1} µs  {:>7.0}/s  {:.0} µs of CPU a row",
        micros(raw_p50),
        of_raw.rate(),
        of_raw.cpu_each(),
    );
    println!(
        "one run alone             p50 {:>8.1} µs  {:>7.0} steps/s  {:.2} × raw p50  {:.0} µs of CPU a step",
        micros(alone_p50),
        of_alone.rate(),
        micros(alone_p50) / micros(raw_p50),
        of_alone.cpu_each(),
    );
    println!(
        "{RUNS} runs, one commit       p50 {:>8.1} µs  {:>7.0} steps/s  {:.1} × raw rate  {:.0} µs of CPU a step",
        micros(of_grouped.p50()),
        of_grouped.rate() * f64::from(RUNS),
        of_grouped.rate() * f64::from(RUNS) / of_raw.rate(),
        of_grouped.cpu_each() / f64::from(RUNS),
    );
    pages(&alone).await;
    watching(&alone.log).await;
    alone.log.close().await.unwrap();
    let steps = ROUNDS * STEPS_A_ROUND;
    let bytes = fs::metadata(alone.log.path()).unwrap().len();
    println!(
        "{steps} steps of 1 KB        {:.2} MB in the store, {} bytes a step",
        bytes as f64 / 1e6,
        bytes / u64::from(steps)
    );
}

/// What it costs to look out for other processes while nothing happens.
async fn watching(log: &SqliteLog) {
    let _head = log.watch_head();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (cpu, began) = (cpu_time(), Instant::now());
    tokio::time::sleep(Duration::from_secs(5)).await;
    let share = (cpu_time() - cpu).as_secs_f64() / began.elapsed().as_secs_f64();
    println!("watching while idle       {:.3} % of a core", share * 100.0);
}

async fn pages(bench: &Bench) {
    let stream = Stream::Run(run(0));
    let (mut onward, mut backward, mut search) = (Times::default(), Times::default(), Times::default());
    for page in 0..19 {
        onward.take(bench.log.read_stream(stream, page * 100, 100)).await;
        backward.take(bench.log.read_back(2_000 - page * 100, 100, None)).await;
    }
    search.take(bench.log.read_back(u64::MAX, 100, Some("nowhere to be found"))).await;
    println!(
        "a page of 100 events      p50 {:>8.1} µs onward, {:.1} µs backward; a search of all 2,000 {:.1} ms",
        micros(onward.p50()),
        micros(backward.p50()),
        micros(search.p50()) / 1e3,
    );
}

/// Opening, the head and the open rows: what stands between the start and the first frame.
async fn opening(history: u64) {
    let dir = tempfile::tempdir().unwrap();
    let (empty, full) = (dir.path().join("empty.db"), dir.path().join("full.db"));
    Bench::open(&empty, 1).await.log.close().await.unwrap();
    let mut bench = Bench::open(&full, RUNS).await;
    let began = Instant::now();
    while bench.seq < history {
        bench.append(100, 40).await;
    }
    let rate = bench.seq as f64 / began.elapsed().as_secs_f64();
    bench.log.close().await.unwrap();
    println!("{} events written at {rate:.0}/s, {} MB", bench.seq, fs::metadata(&full).unwrap().len() / 1_000_000);
    let (mut of_empty, mut of_full) = (Times::default(), Times::default());
    for _ in 0..50 {
        of_empty.take(open_and_look(&empty)).await;
        of_full.take(open_and_look(&full)).await;
    }
    println!(
        "opening                   p50 {:>8.1} µs empty, {:.1} µs with {} events: {:.2} ×",
        micros(of_empty.p50()),
        micros(of_full.p50()),
        bench.seq,
        micros(of_full.p50()) / micros(of_empty.p50()),
    );
    let log = SqliteLog::open(&full, Tenant::default(), OpenMode::ReadWrite).await.unwrap();
    let began = Instant::now();
    let report = log.verify(&[]).await.unwrap();
    println!(
        "verified                  {:.0} events/s, {} problems",
        rate_of(report.events, began),
        report.problems.len()
    );
    let began = Instant::now();
    log.read_back(u64::MAX, 100, Some("nowhere to be found")).await.unwrap();
    println!("searched                  {:.0} events/s", rate_of(report.events, began));
}

async fn open_and_look(path: &Path) {
    let log = SqliteLog::open(path, Tenant::default(), OpenMode::ReadWrite).await.unwrap();
    log.rows(RowQuery::whole(RowKind::Run, RowFilter::Open)).await.unwrap();
    log.rows(RowQuery::whole(RowKind::Approval, RowFilter::Open)).await.unwrap();
    log.rows(RowQuery::first(RowKind::Run, RowFilter::All, 200)).await.unwrap();
}

/// One connection that commits rows of a kilobyte, as durable as ours.
struct Raw(SqliteConnection);

impl Raw {
    async fn open(dir: &Path) -> Self {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(dir.join("raw.db"))
            .create_if_missing(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
            .synchronous(sqlx::sqlite::SqliteSynchronous::Full);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let table = "CREATE TABLE raw (id INTEGER PRIMARY KEY, body TEXT)";
        sqlx::raw_sql(table).execute(&mut connection).await.unwrap();
        Self(connection)
    }

    async fn commit(&mut self) {
        let insert = sqlx::query("INSERT INTO raw (body) VALUES ($1)").bind("x".repeat(1_024));
        insert.execute(&mut self.0).await.unwrap();
    }
}

/// A log in which some runs take steps.
struct Bench {
    log: SqliteLog,
    runs: u32,
    seq: u64,
    versions: Vec<u64>,
}

impl Bench {
    async fn open(path: &Path, runs: u32) -> Self {
        let log = SqliteLog::open(path, Tenant::default(), OpenMode::ReadWrite).await.unwrap();
        Self { log, runs, seq: 0, versions: vec![0; runs as usize] }
    }

    async fn step_of_each_run(&mut self) {
        self.append(1, 1_024).await;
    }

    /// Every run starts and ends `steps` effects, each with an output of so many bytes, in one batch.
    async fn append(&mut self, steps: u32, output: usize) {
        let mut batch = Batch { after: self.seq, ..Batch::default() };
        for number in 0..self.runs {
            let version = &mut self.versions[number as usize];
            for _ in 0..steps {
                batch.events.extend(step(run(number), version, output));
            }
            batch.rows.push(row(run(number), *version));
        }
        self.seq = self.log.append(batch).await.unwrap().last().unwrap().seq;
    }
}

fn run(number: u32) -> RunId {
    RunId(Uuid::from_u128(0x0193_5a3f_0000_7000_8000_0000_0000_0000 + u128::from(number)))
}

fn at(version: u64) -> Timestamp {
    Timestamp::from_timestamp_micros(1_790_000_000_000_000 + version as i64).unwrap()
}

fn step(run: RunId, version: &mut u64, output: usize) -> [NewEvent; 2] {
    let call = CallNo(*version as u32 / 2 + 1);
    let card = card();
    let started = RunEvent::EffectStarted {
        call,
        attempt: 1,
        digest: CardDigest::of(&call),
        repeat: Repeat::Repeatable,
        under: Authority::Rule("workspace-writes-run".into()),
        card: Box::new(card),
    };
    let result = ToolResult::success("14 passed, 1 failed", Output::text("o".repeat(output)));
    let settled = RunEvent::CallSettled { call, attempt: 1, result };
    [started, settled].map(|event| {
        *version += 1;
        let by = Actor::Agent("dev".into());
        NewEvent { stream: Stream::Run(run), version: *version, at: at(*version), by, event: Event::Run(event) }
    })
}

/// What a test run's card says.
fn card() -> EffectCard {
    let argv = ["cargo", "test", "--quiet", "parser::"].map(Untrusted::from).to_vec();
    EffectCard {
        tool: ToolName("run_tests".into()),
        class: EffectClass::Workspace,
        repeat: Repeat::Repeatable,
        verb: "run".into(),
        targets: vec!["tests of the workspace".into()],
        environment: Environment::Workspace,
        risk: Risk::Low,
        reversible: Reversibility::NothingToUndo,
        payload: Payload::Exec { argv, cwd: "/home/ana/.local/share/morningai/work/1".into(), env: vec![] },
        facts: Default::default(),
        confinement: "landlock + seccomp".into(),
        change: None,
    }
}

/// A row about as long as that of a real run.
fn row(run: RunId, version: u64) -> Row {
    let body = format!("{{\"id\":\"{run}\",\"version\":{version},\"goal\":\"{}\"}}", "make the test pass ".repeat(40));
    Row {
        key: RowKey { kind: RowKind::Run, id: run.to_string() },
        is_open: true,
        sort: at(0),
        state: "running".to_owned(),
        parent: None,
        due: None,
        body,
    }
}

#[derive(Default)]
struct Times {
    each: Vec<Duration>,
    cpu: Duration,
}

impl Times {
    async fn take<T>(&mut self, work: impl Future<Output = T>) {
        let began = Instant::now();
        work.await;
        self.each.push(began.elapsed());
    }

    fn p50(&self) -> Duration {
        let mut sorted = self.each.clone();
        sorted.sort();
        sorted[sorted.len() / 2]
    }

    fn rate(&self) -> f64 {
        self.each.len() as f64 / self.each.iter().sum::<Duration>().as_secs_f64()
    }

    fn cpu_each(&self) -> f64 {
        micros(self.cpu) / self.each.len() as f64
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn rate_of(count: u64, began: Instant) -> f64 {
    count as f64 / began.elapsed().as_secs_f64()
}

/// What the threads that live now have used so far, as Linux counts it; zero elsewhere.
fn cpu_time() -> Duration {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return Duration::ZERO };
    let used = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    Duration::from_nanos(threads.flatten().filter_map(used).sum())
}
