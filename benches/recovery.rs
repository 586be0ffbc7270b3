//! A thousand runs interrupted in the middle of an effect: how long until all of them are dealt with, beside the raw
//! commit rate of the same disk in the same run.
//!
//! Half of the effects may be repeated and are, to the end of their runs; the other half become questions. Prints
//! figures and asserts nothing but that it is done at all. `cargo bench --bench recovery`

#[path = "support/nothing.rs"]
mod nothing;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use morningai::domain::*;
use morningai::fold::Snapshot;
use morningai::kinds::*;
use morningai::ports::*;
use morningai::runtime::{Parts, Role, Runtime};
use morningai::store::{OpenMode, SqliteLog};
use serde_json::{Value, json};
use sqlx::Connection;

use nothing::{ByClass, NoModel, card, tool_spec};

const RUNS: usize = 1_000;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    interrupt(&path);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let raw = raw_commits(dir.path()).await;
        let mut connection = connect(&path).await;
        sqlx::query("UPDATE lease SET until = 0").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();

        let began = Instant::now();
        let orchestrator = start(&path, Hangs::No).await;
        let started = began.elapsed();
        let doubts = |snapshot: &Snapshot| snapshot.open_approvals().count() == RUNS / 2;
        until(&orchestrator, doubts).await;
        let asked = began.elapsed();
        // What has ended is forgotten by and by; what is left is what waits for an answer.
        let over = |snapshot: &Snapshot| {
            doubts(snapshot) && snapshot.runs.values().filter(|run| !run.state.is_final()).count() == RUNS / 2
        };
        until(&orchestrator, over).await;
        let done = began.elapsed();
        orchestrator.shut_down(Duration::from_secs(5)).await;
        println!("raw single-row commits                 {:>8.0}/s", raw);
        println!("{RUNS} interrupted runs: started after   {:>8.2} s", started.as_secs_f64());
        println!("all {} unknown outcomes asked after    {:>8.2} s   (promised: 5)", RUNS / 2, asked.as_secs_f64());
        println!(
            "all {RUNS} dealt with after               {:>8.2} s   (promised: 5)   as long as {:.0} raw commits",
            done.as_secs_f64(),
            done.as_secs_f64() * raw
        );
    });
}

/// Leaves as many runs as wanted in the middle of an effect, as a lost process would.
fn interrupt(path: &Path) {
    let process = tokio::runtime::Runtime::new().unwrap();
    process.block_on(async {
        let orchestrator = start(path, Hangs::Yes).await;
        for number in 0..RUNS {
            let tool = if number % 2 == 0 { "repeatable" } else { "once" };
            let step = json!({ "title": "step", "tool": tool, "args": {} });
            let spec = json!({ "goal": "go", "agent": "bench", "tools": [], "procedure": [step] });
            let spec = Box::new(serde_json::from_value(spec).unwrap());
            let run = RunId(uuid::Uuid::now_v7());
            orchestrator.submit(RunVerb::Start { spec }.on(run), Actor::Person("bench".to_owned())).await.unwrap();
        }
        until(&orchestrator, |snapshot| snapshot.runs.values().filter(|run| run.is_busy()).count() == RUNS).await;
    });
    process.shutdown_background();
}

async fn until(orchestrator: &Runtime, wanted: impl Fn(&Snapshot) -> bool) {
    let (mut snapshot, mut feed) = orchestrator.open();
    while !wanted(&snapshot) {
        match feed.recv().await {
            Ok(FeedItem::Committed { envelope }) => drop(snapshot.apply(&envelope)),
            Ok(_) => {}
            Err(_) => (snapshot, feed) = orchestrator.open(),
        }
    }
}

async fn raw_commits(dir: &Path) -> f64 {
    let mut connection = connect(&dir.join("raw.db")).await;
    sqlx::query("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)").execute(&mut connection).await.unwrap();
    let body = "x".repeat(1024);
    let began = Instant::now();
    for _ in 0..500 {
        sqlx::query("INSERT INTO t (body) VALUES ($1)").bind(body.clone()).execute(&mut connection).await.unwrap();
    }
    500.0 / began.elapsed().as_secs_f64()
}

async fn connect(path: &Path) -> sqlx::SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full);
    sqlx::SqliteConnection::connect_with(&options).await.unwrap()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hangs {
    Yes,
    No,
}

async fn start(path: &Path, hangs: Hangs) -> Runtime {
    let log = SqliteLog::open(path, Tenant::default(), OpenMode::ReadWrite).await.unwrap();
    let tools = [("repeatable", Repeat::Repeatable), ("once", Repeat::Once)].map(|(name, repeat)| {
        let tool: Arc<dyn Tool> = Arc::new(Effect::new(name, repeat, hangs));
        (ToolName(name.to_owned()), tool)
    });
    let parts = Parts {
        log: Arc::new(log),
        model: Arc::new(NoModel),
        tools: BTreeMap::from(tools),
        judge: Arc::new(ByClass),
        clock: Arc::new(SystemClock),
        role: Role::Worker,
        starter: None,
        redactor: Default::default(),
    };
    Runtime::start(parts).await.unwrap()
}

struct Effect {
    spec: ToolSpec,
    hangs: Hangs,
}

impl Effect {
    fn new(name: &str, repeat: Repeat, hangs: Hangs) -> Self {
        let spec = tool_spec(name, EffectClass::Workspace, repeat);
        Self { spec, hangs }
    }
}

#[async_trait]
impl Tool for Effect {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, _context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        Ok(Prepared::Effect(card(&self.spec, args)))
    }

    async fn perform(&self, _invocation: Invocation<'_>) -> ToolResult {
        if self.hangs == Hangs::Yes {
            std::future::pending::<()>().await;
        }
        ToolResult::success("done", Output::default())
    }
}
