//! A runtime on a store in a temporary directory, with a model that answers from a list and tools that count.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use morningai::domain::*;
use morningai::fold::Snapshot;
use morningai::kinds::*;
use morningai::ports::*;
use morningai::runtime::{Parts, Role, Runtime, Tools};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// A clock that can be moved ahead of the computer's.
#[derive(Default)]
pub struct SkewedClock(pub Mutex<chrono::TimeDelta>);

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + *self.0.lock().unwrap()
    }
}

/// Answers from a list; waits for ever once it is empty.
#[derive(Default)]
pub struct ListModel(pub Mutex<VecDeque<ModelReply>>);

#[async_trait]
impl Model for ListModel {
    async fn complete(
        &self,
        _request: ModelRequest,
        deltas: &dyn DeltaSink,
        cancel: CancellationToken,
    ) -> Result<ModelReply, ModelFailure> {
        let next = self.0.lock().unwrap().pop_front();
        match next {
            Some(reply) => {
                deltas.token(reply.text.raw());
                Ok(reply)
            }
            None => {
                cancel.cancelled().await;
                let kind = ModelFailureKind::Cancelled;
                Err(ModelFailure { kind, message: "cancelled".into(), hint: String::new() })
            }
        }
    }

    fn is_configured(&self) -> bool {
        true
    }
}

/// A tool that counts how often its effect happened, and can be held in the middle of it.
pub struct Counter {
    spec: ToolSpec,
    pub happened: Arc<AtomicUsize>,
    /// One permit lets one effect through.
    pub gate: Arc<Semaphore>,
    pub begun: Arc<Semaphore>,
    /// What the card says of the world; changing it is drift.
    pub world: Arc<Mutex<String>>,
    /// How long a dry run takes.
    pub dry_run: std::time::Duration,
}

impl Counter {
    pub fn new(name: &str, class: EffectClass, repeat: Repeat) -> Self {
        let spec = ToolSpec {
            name: ToolName(name.to_owned()),
            description: String::new(),
            parameters: json!({ "type": "object" }),
            class,
            repeat,
        };
        Self {
            spec,
            happened: Arc::default(),
            gate: Arc::new(Semaphore::new(1000)),
            begun: Arc::new(Semaphore::new(0)),
            world: Arc::default(),
            dry_run: std::time::Duration::ZERO,
        }
    }

    /// The same tool in another process: it shares the world, and the counter outside it.
    pub fn again(&self) -> Self {
        Self {
            spec: self.spec.clone(),
            happened: self.happened.clone(),
            gate: Arc::new(Semaphore::new(1000)),
            begun: Arc::new(Semaphore::new(0)),
            world: self.world.clone(),
            dry_run: self.dry_run,
        }
    }

    /// Takes an optional text `to`, and finds nothing `to: nowhere`.
    pub fn addressed(mut self) -> Self {
        self.spec.parameters = json!({ "type": "object", "properties": { "to": { "type": "string" } } });
        self
    }

    pub fn held(self) -> Self {
        Self { gate: Arc::new(Semaphore::new(0)), ..self }
    }

    pub fn count(&self) -> usize {
        self.happened.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Tool for Counter {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    async fn prepare(&self, _context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        if self.spec.name.0 == "finish" {
            return Ok(Prepared::Finish { summary: "done".into(), outcome: FinishOutcome::Succeeded });
        }
        tokio::time::sleep(self.dry_run).await;
        if args["to"] == "nowhere" {
            return Err(ToolResult::failure(FailureKind::BadCall, "there is no nowhere"));
        }
        let world = self.world.lock().unwrap().clone();
        Ok(Prepared::Effect(Box::new(EffectCard {
            tool: self.spec.name.clone(),
            class: self.spec.class,
            repeat: self.spec.repeat,
            verb: "act".to_owned(),
            targets: vec![world.into()],
            environment: Environment::Remote,
            risk: Risk::Medium,
            reversible: Reversibility::Irreversible,
            payload: Payload::Arguments { args: args.clone() },
            facts: serde_json::Map::new(),
            confinement: String::new(),
            change: None,
        })))
    }

    async fn perform(&self, invocation: Invocation<'_>) -> ToolResult {
        self.begun.add_permits(1);
        tokio::select! {
            permit = self.gate.acquire() => permit.unwrap().forget(),
            () = invocation.cancel.cancelled() => return ToolResult::failure(FailureKind::Cancelled, "cancelled"),
        }
        self.happened.fetch_add(1, Ordering::SeqCst);
        ToolResult::success("did it", Output::text("output"))
    }

    async fn check(&self, _context: &ToolContext, _card: &EffectCard) -> Checked {
        match self.count() {
            0 => Checked::DidNotHappen,
            _ => Checked::Happened(Box::new(ToolResult::success("found it done", Output::default()))),
        }
    }
}

/// Reads run, what leaves asks, `forbidden` is refused.
pub struct SimpleJudge {
    pub expires_after: u64,
}

impl Judge for SimpleJudge {
    fn judge(&self, _spec: &RunSpec, card: &EffectCard) -> Verdict {
        let (rule, reason) = ("rule".to_owned(), "because".to_owned());
        match card.class {
            EffectClass::External => Verdict::Ask { rule, reason, expires_after: self.expires_after },
            EffectClass::Host => Verdict::Refuse { rule, reason },
            EffectClass::Observe | EffectClass::Workspace | EffectClass::Converse => Verdict::Run { rule, reason },
        }
    }
}

pub fn reply(calls: &[&str]) -> ModelReply {
    let call = |(index, tool): (usize, &&str)| RequestedCall {
        provider_id: format!("id{index}"),
        tool: (*tool).to_owned(),
        args: json!({}),
    };
    ModelReply {
        model: "test/model".to_owned(),
        text: "words".into(),
        refusal: None,
        calls: calls.iter().enumerate().map(call).collect(),
        finish: FinishReason::ToolCalls,
        usage: Some(Usage { input: 10, cached: 0, output: 5 }),
        cost: Some(Usd(1_000)),
        carried: None,
    }
}

pub fn spec() -> RunSpec {
    let tools = ["read", "push", "check", "forbidden", "finish"];
    serde_json::from_value(json!({ "goal": "do it", "agent": "dev", "tools": tools })).unwrap()
}

/// Steps that call these tools, one after the other.
pub fn procedure(tools: &[&str]) -> RunSpec {
    let step = |tool: &&str| json!({ "title": format!("use {tool}"), "tool": tool, "args": {} });
    let steps: Vec<_> = tools.iter().map(step).collect();
    serde_json::from_value(json!({ "goal": "do them all", "agent": "steps", "tools": [], "procedure": steps })).unwrap()
}

pub fn ana() -> Actor {
    Actor::Person("ana".to_owned())
}

/// As if so much time had gone by that nobody's lease lasts any more.
pub async fn let_leases_lapse(path: &Path) {
    super::raw_sql(path, "UPDATE lease SET until = 0").await;
}

/// One process's orchestrator.
pub struct Desk {
    pub runtime: Arc<Runtime>,
    pub log: Arc<dyn Log>,
}

impl Desk {
    pub async fn open(path: &Path) -> Arc<dyn Log> {
        super::open_log(path).await
    }

    /// A model's replies, each the tools one turn calls; the plan comes before them.
    pub async fn start(log: Arc<dyn Log>, turns: &[&[&str]], tools: Vec<Counter>, role: Role) -> Self {
        Self::start_with(log, turns, tools, role, 3600, Arc::default()).await
    }

    pub async fn start_with(
        log: Arc<dyn Log>,
        turns: &[&[&str]],
        counters: Vec<Counter>,
        role: Role,
        expires_after: u64,
        clock: Arc<SkewedClock>,
    ) -> Self {
        Self::with(log, turns, counters, (role, None), expires_after, clock).await
    }

    /// One that starts the runs that things want.
    #[allow(dead_code, reason = "each store's tests use what they need")]
    pub async fn starting(log: Arc<dyn Log>, starter: Arc<dyn Starter>, role: Role, clock: Arc<SkewedClock>) -> Self {
        Self::with(log, &[], Vec::new(), (role, Some(starter)), 3600, clock).await
    }

    async fn with(
        log: Arc<dyn Log>,
        turns: &[&[&str]],
        mut counters: Vec<Counter>,
        (role, starter): (Role, Option<Arc<dyn Starter>>),
        expires_after: u64,
        clock: Arc<SkewedClock>,
    ) -> Self {
        counters.push(Counter::new("finish", EffectClass::Converse, Repeat::Repeatable));
        let tools: Tools =
            counters.into_iter().map(|tool| (tool.spec.name.clone(), Arc::new(tool) as Arc<dyn Tool>)).collect();
        let model = Arc::new(ListModel(Mutex::new(turns.iter().map(|calls| reply(calls)).collect())));
        let parts = Parts {
            log: log.clone(),
            model,
            tools,
            judge: Arc::new(SimpleJudge { expires_after }),
            clock,
            role,
            starter,
            redactor: Default::default(),
        };
        Self { runtime: Arc::new(Runtime::start(parts).await.unwrap()), log }
    }

    pub async fn begin(&self) -> RunId {
        self.begin_with(spec()).await
    }

    pub async fn begin_with(&self, spec: RunSpec) -> RunId {
        let run = RunId(uuid::Uuid::now_v7());
        self.runtime.submit(RunVerb::Start { spec: Box::new(spec) }.on(run), ana()).await.unwrap();
        run
    }

    /// The snapshot as soon as it is as wanted.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let wait = async {
            loop {
                let (snapshot, mut feed) = self.runtime.open();
                if wanted(&snapshot) {
                    return snapshot;
                }
                let _ = feed.recv().await;
            }
        };
        match tokio::time::timeout(std::time::Duration::from_secs(20), wait).await {
            Ok(snapshot) => snapshot,
            Err(_) => panic!("never: {what}; runs are {:#?}", self.runtime.open().0.runs),
        }
    }

    pub async fn until_state(&self, run: RunId, state: RunState) -> Run {
        let is = |snapshot: &Snapshot| snapshot.runs.get(&run).is_some_and(|run| run.state == state);
        self.until(state.name(), is).await.runs[&run].clone()
    }

    pub async fn open_approval(&self) -> morningai::kinds::Approval {
        let snapshot = self.until("an approval", |snapshot| snapshot.open_approvals().next().is_some()).await;
        snapshot.open_approvals().next().unwrap().clone()
    }
}

pub async fn kinds(log: &dyn Log, run: RunId) -> Vec<&'static str> {
    let events = log.read_stream(Stream::Run(run), 0, 1000).await.unwrap();
    events.iter().map(|envelope| envelope.event.kind()).collect()
}
