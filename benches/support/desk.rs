//! What the benches of durable steps share: an orchestrator on any store, with a tool that does nothing.

#[path = "nothing.rs"]
mod nothing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::Page;
use morningai::ports::*;
use morningai::runtime::{Parts, Role, Runtime, Tools};
use serde_json::{Value, json};

use nothing::{ByClass, NoModel, card, tool_spec};

pub struct Desk {
    pub runtime: Runtime,
    pub log: Arc<Counted>,
    /// Told when the effect of an approved step begins.
    pub started: Arc<tokio::sync::Notify>,
}

impl Desk {
    pub async fn on(log: Arc<dyn Log>, output: usize) -> Self {
        let log = Arc::new(Counted { log, appends: AtomicU64::new(0) });
        let started = Arc::new(tokio::sync::Notify::new());
        let (none, wait) = (Duration::ZERO, Duration::from_millis(20));
        let tools: Tools = [
            ("step", EffectClass::Observe, none),
            ("wait", EffectClass::Observe, wait),
            ("push", EffectClass::External, none),
        ]
        .into_iter()
        .map(|(name, class, lasting)| {
            let tool: Arc<dyn Tool> = Arc::new(Step::new(name, class, lasting, output, started.clone()));
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
            starter: None,
            redactor: Default::default(),
        };
        Self { runtime: Runtime::start(parts).await.unwrap(), log, started }
    }

    pub async fn start(&self, steps: u32, tool: &str) -> RunId {
        let step = |number| json!({ "title": format!("step {number}"), "tool": tool, "args": { "n": number } });
        let steps: Vec<_> = (0..steps).map(step).collect();
        let spec = json!({ "goal": "steps", "agent": "bench", "tools": [], "procedure": steps });
        let spec: RunSpec = serde_json::from_value(spec).unwrap();
        let run = RunId(uuid::Uuid::now_v7());
        self.runtime.submit(RunVerb::Start { spec: Box::new(spec) }.on(run), person()).await.unwrap();
        run
    }

    pub async fn carry_through(&self, runs: u32, steps: u32) -> Vec<RunId> {
        let mut started = Vec::new();
        for _ in 0..runs {
            started.push(self.start(steps, "step").await);
        }
        self.until_over(&started).await;
        started
    }

    /// Looks every few milliseconds, for whoever listens to the feed costs more than the looking.
    pub async fn until_over(&self, runs: &[RunId]) {
        for run in runs {
            loop {
                let (snapshot, feed) = self.runtime.open();
                drop(feed);
                let row = &snapshot.runs[run];
                match row.state {
                    RunState::Succeeded => break,
                    state if state.is_final() => panic!("{state}: {:?}", row.note),
                    _ => tokio::time::sleep(Duration::from_millis(2)).await,
                }
            }
        }
    }
}

/// The store, with its appends counted: each is one transaction and one fsync.
pub struct Counted {
    log: Arc<dyn Log>,
    pub appends: AtomicU64,
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
    async fn rows(&self, wanted: RowQuery) -> Result<Page<morningai::kinds::Row>, LogError> {
        self.log.rows(wanted).await
    }
    async fn replace_rows(&self, after: u64, rows: &[morningai::kinds::Row]) -> Result<(), LogError> {
        self.log.replace_rows(after, rows).await
    }
    async fn answer_to(&self, key: &IdempotencyKey) -> Result<Option<Answered>, LogError> {
        self.log.answer_to(key).await
    }
    async fn forget_answers(&self, before: Timestamp) -> Result<(), LogError> {
        self.log.forget_answers(before).await
    }
    async fn put_blob(&self, content: &[u8]) -> Result<BlobId, LogError> {
        self.log.put_blob(content).await
    }
    async fn get_blob(&self, blob: &BlobId) -> Result<Option<Vec<u8>>, LogError> {
        self.log.get_blob(blob).await
    }
    async fn blob_ids(&self, after: Option<&BlobId>, limit: u32) -> Result<Vec<BlobId>, LogError> {
        self.log.blob_ids(after, limit).await
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

/// A tool that does nothing for a while and returns as many bytes as asked.
struct Step {
    spec: ToolSpec,
    lasting: Duration,
    output: usize,
    started: Arc<tokio::sync::Notify>,
}

impl Step {
    fn new(
        name: &str,
        class: EffectClass,
        lasting: Duration,
        output: usize,
        started: Arc<tokio::sync::Notify>,
    ) -> Self {
        let spec = tool_spec(name, class, Repeat::Repeatable);
        Self { spec, lasting, output, started }
    }
}

#[async_trait]
impl Tool for Step {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, _context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        Ok(Prepared::Effect(card(&self.spec, args)))
    }

    async fn perform(&self, _invocation: Invocation<'_>) -> ToolResult {
        if self.spec.class == EffectClass::External {
            self.started.notify_one();
        }
        if !self.lasting.is_zero() {
            tokio::time::sleep(self.lasting).await;
        }
        ToolResult::success("done", Output::text("x".repeat(self.output)))
    }
}

pub fn person() -> Actor {
    Actor::Person("bench".to_owned())
}

pub fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// User and system time of this process so far.
pub fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}
