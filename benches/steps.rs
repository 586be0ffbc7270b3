//! Durable steps through the engine, the runtime and SQLite, beside the raw commit rate of the same disk.
//!
//! Prints ratios to a raw limit taken in the same run; it asserts nothing, for an fsync here takes what it takes.
//! `cargo bench --bench steps`

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use async_trait::async_trait;
use morningai::domain::*;
use morningai::ports::*;
use morningai::runtime::Parts;
use morningai::runtime::Role;
use morningai::runtime::Runtime;
use morningai::runtime::Tools;
use morningai::store::OpenMode;
use morningai::store::SqliteLog;
use serde_json::Value;
use serde_json::json;
use sqlx::Connection;
use tokio_util::sync::CancellationToken;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let raw = raw_commits().await;
        println!("raw single-row commit          p50 {:>9.1} µs   {:>8.0}/s", micros(raw.p50), raw.rate);
        one_run(&raw).await;
        many_runs(&raw).await;
        history().await;
        approval_to_start(&raw).await;
    });
}

struct Raw {
    p50: Duration,
    rate: f64,
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
    let began = Instant::now();
    for _ in 0..1000 {
        let began = Instant::now();
        sqlx::query("INSERT INTO t (body) VALUES ($1)").bind(body.clone()).execute(&mut connection).await.unwrap();
        times.push(began.elapsed());
    }
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    Raw { p50: median(&mut times), rate }
}

async fn one_run(raw: &Raw) {
    let desk = Desk::open(0).await;
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
    let desk = Desk::open(0).await;
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
    let desk = Desk::open(1024).await;
    let runs = desk.carry_through(1, 1000).await;
    let began = Instant::now();
    let page = desk.log.read_stream(Stream::Run(runs[0]), 1000, 100).await.unwrap();
    let page_time = began.elapsed();
    assert_eq!(page.len(), 100);
    desk.runtime.shut_down(Duration::from_secs(5)).await;
    desk.log.log.close().await.unwrap();
    let bytes = std::fs::metadata(desk.path()).unwrap().len();
    println!(
        "1000 steps of 1 KB             {:.2} MB in the store   a page of 100 events {:.2} ms",
        bytes as f64 / 1e6,
        micros(page_time) / 1000.0
    );
}

/// From a person's decision to the first instruction of the effect, in the same process.
async fn approval_to_start(raw: &Raw) {
    let desk = Desk::open(0).await;
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
        let command = Command::Approve { approval: approval.id, digest: approval.digest.0.clone() };
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

struct Desk {
    runtime: Runtime,
    log: Arc<Counted>,
    started: Arc<tokio::sync::Notify>,
    dir: tempfile::TempDir,
}

impl Desk {
    async fn open(output: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.db");
        let log = SqliteLog::open(&path, Tenant::default(), OpenMode::ReadWrite).await.unwrap();
        let log = Arc::new(Counted { log, appends: AtomicU64::new(0) });
        let started = Arc::new(tokio::sync::Notify::new());
        let tools: Tools = [("step", EffectClass::Observe), ("push", EffectClass::External)]
            .into_iter()
            .map(|(name, class)| {
                let tool: Arc<dyn Tool> = Arc::new(Step::new(name, class, output, started.clone()));
                (ToolName(name.to_owned()), tool)
            })
            .collect::<BTreeMap<_, _>>();
        let parts = Parts {
            log: log.clone(),
            model: Arc::new(NoModel),
            tools,
            judge: Arc::new(ByClass),
            clock: Arc::new(SystemClock),
            role: Role::Worker,
            redactor: Default::default(),
        };
        Self { runtime: Runtime::start(parts).await.unwrap(), log, started, dir }
    }

    fn path(&self) -> std::path::PathBuf {
        Path::new(self.dir.path()).join("log.db")
    }

    async fn start(&self, steps: u32, tool: &str) -> RunId {
        let step = |number| json!({ "title": format!("step {number}"), "tool": tool, "args": { "n": number } });
        let steps: Vec<_> = (0..steps).map(step).collect();
        let spec = json!({ "goal": "steps", "agent": "bench", "tools": [], "procedure": steps });
        let spec: RunSpec = serde_json::from_value(spec).unwrap();
        let run = RunId(uuid::Uuid::now_v7());
        self.runtime.submit(Command::Start { run, spec: Box::new(spec) }, person()).await.unwrap();
        run
    }

    async fn carry_through(&self, runs: u32, steps: u32) -> Vec<RunId> {
        let mut started = Vec::new();
        for _ in 0..runs {
            started.push(self.start(steps, "step").await);
        }
        self.until_over(&started).await;
        started
    }

    async fn until_over(&self, runs: &[RunId]) {
        for run in runs {
            loop {
                let (snapshot, mut feed) = self.runtime.open();
                let row = &snapshot.runs[run];
                match row.state {
                    RunState::Succeeded => break,
                    state if state.is_final() => panic!("{state}: {:?}", row.note),
                    _ => {}
                }
                let is_end = |item: &FeedItem| {
                    matches!(item, FeedItem::Committed { envelope }
                    if envelope.stream == Stream::Run(*run) && envelope.event.kind() == "run.succeeded")
                };
                loop {
                    match feed.recv().await {
                        Ok(item) if is_end(&item) => break,
                        Ok(_) => {}
                        Err(_) => break,
                    }
                }
            }
        }
    }
}

/// The store, with its appends counted: each is one transaction and one fsync.
struct Counted {
    log: SqliteLog,
    appends: AtomicU64,
}

#[async_trait]
impl Log for Counted {
    async fn append(&self, batch: Batch) -> Result<Vec<Envelope>, LogError> {
        self.appends.fetch_add(1, Ordering::Relaxed);
        self.log.append(batch).await
    }
    async fn read(&self, after: u64, limit: u32) -> Result<Vec<Envelope>, LogError> {
        self.log.read(after, limit).await
    }
    async fn read_stream(&self, stream: Stream, after: u64, limit: u32) -> Result<Vec<Envelope>, LogError> {
        self.log.read_stream(stream, after, limit).await
    }
    async fn read_back(&self, before: u64, limit: u32, text: Option<&str>) -> Result<Page<Envelope>, LogError> {
        self.log.read_back(before, limit, text).await
    }
    async fn head(&self) -> Result<Head, LogError> {
        self.log.head().await
    }
    fn watch_head(&self) -> tokio::sync::watch::Receiver<u64> {
        self.log.watch_head()
    }
    async fn rows(&self, filter: RowFilter) -> Result<Page<morningai::fold::Row>, LogError> {
        self.log.rows(filter).await
    }
    async fn replace_rows(&self, rows: Vec<morningai::fold::Row>) -> Result<(), LogError> {
        self.log.replace_rows(rows).await
    }
    async fn put_blob(&self, content: &[u8]) -> Result<BlobId, LogError> {
        self.log.put_blob(content).await
    }
    async fn get_blob(&self, blob: &BlobId) -> Result<Option<Vec<u8>>, LogError> {
        self.log.get_blob(blob).await
    }
    async fn claim(&self, run: RunId, owner: &str, lasting: Duration) -> Result<Option<Lease>, LogError> {
        self.log.claim(run, owner, lasting).await
    }
    async fn release(&self, lease: &Lease) -> Result<(), LogError> {
        self.log.release(lease).await
    }
    async fn verify(&self, saved: &[Head]) -> Result<VerifyReport, LogError> {
        self.log.verify(saved).await
    }
}

/// A tool that does nothing and returns as many bytes as asked.
struct Step {
    spec: ToolSpec,
    output: usize,
    started: Arc<tokio::sync::Notify>,
}

impl Step {
    fn new(name: &str, class: EffectClass, output: usize, started: Arc<tokio::sync::Notify>) -> Self {
        let spec = ToolSpec {
            name: ToolName(name.to_owned()),
            description: String::new(),
            parameters: json!({ "type": "object" }),
            class,
            repeat: Repeat::Repeatable,
        };
        Self { spec, output, started }
    }
}

#[async_trait]
impl Tool for Step {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, _context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        Ok(Prepared::Effect(Box::new(EffectCard {
            tool: self.spec.name.clone(),
            class: self.spec.class,
            repeat: self.spec.repeat,
            verb: "step".to_owned(),
            targets: vec!["nothing".into()],
            environment: Environment::Workspace,
            risk: Risk::Low,
            reversible: Reversibility::NothingToUndo,
            payload: Payload::Arguments { args: args.clone() },
            facts: serde_json::Map::new(),
            confinement: String::new(),
        })))
    }

    async fn perform(&self, _invocation: Invocation<'_>) -> ToolResult {
        if self.spec.class == EffectClass::External {
            self.started.notify_one();
        }
        ToolResult::success("done", Output::text("x".repeat(self.output)))
    }
}

struct NoModel;

#[async_trait]
impl Model for NoModel {
    async fn complete(
        &self,
        _request: ModelRequest,
        _deltas: &dyn DeltaSink,
        _cancel: CancellationToken,
    ) -> Result<ModelReply, ModelFailure> {
        unreachable!("procedures call no model")
    }

    fn is_configured(&self) -> bool {
        false
    }
}

struct ByClass;

impl Judge for ByClass {
    fn judge(&self, _spec: &RunSpec, card: &EffectCard) -> Verdict {
        let (rule, reason) = ("bench".to_owned(), "measured".to_owned());
        match card.class {
            EffectClass::External => Verdict::Ask { rule, reason, expires_after: 600 },
            _ => Verdict::Run { rule, reason },
        }
    }
}

fn person() -> Actor {
    Actor::Person("bench".to_owned())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}
