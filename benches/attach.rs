//! What attached consoles and the HTTP API cost, and how soon they are answered.
//!
//! `cargo bench --bench attach`. Prints figures and asserts none, for a disk and two cores are what they are. Consoles
//! run in a process of their own with the lowest priority, since they are elsewhere in life.

#[path = "support/no_upkeep.rs"]
mod no_upkeep;
#[path = "support/nothing.rs"]
mod nothing;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command as Program, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::{SinkExt, StreamExt};
use morningai::access::{DoorSettings, Gate, OwnToken, Quota, SystemEntropy};
use morningai::client::LocalClient;
use morningai::domain::*;
use morningai::feeds::Grouping;
use morningai::kinds::*;
use morningai::ports::*;
use morningai::protocol;
use morningai::runtime::{Parts as RuntimeParts, Role, Runtime, Turns};
use morningai::server::{Exposure, Hooks, Host, Parts, Server, Unprepared};
use morningai::store::{OpenMode, SqliteLog};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use nothing::{ByClass, NoModel, card, tool_spec};

const TOKEN: &str = "bench";
const CONSOLES: usize = 50;
const RUNS: u32 = 32;
const STEPS: u32 = 200;
const RATE: u32 = 200;
const SECONDS: u32 = 10;

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "consoles", address, many] => {
            runtime.block_on(consoles(address.parse().unwrap(), many.parse().unwrap()));
        }
        [_, "requests", base] => runtime.block_on(requests(base)),
        _ => {
            runtime.block_on(throughput());
            runtime.block_on(latency());
            first_frame();
        }
    }
}

/// Steps a second with nobody attached, and with many, in turns so that a moody disk is fair to both.
async fn throughput() {
    let desk = Desk::open(0).await;
    desk.carry_through(RUNS, 20).await;
    let (mut alone, mut attended) = (Vec::new(), Vec::new());
    let (mut alone_cpu, mut attended_cpu) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let (rate, cpu) = desk.rate().await;
        alone.push(rate);
        alone_cpu.push(cpu);
        let consoles =
            Beside::start(Rank::Last, &["consoles", &desk.server.address().to_string(), &CONSOLES.to_string()]);
        let (rate, cpu) = desk.rate().await;
        attended.push(rate);
        attended_cpu.push(cpu);
        drop(consoles);
    }
    let (alone, attended) = (middle(&mut alone), middle(&mut attended));
    let (alone_cpu, attended_cpu) = (middle(&mut alone_cpu), middle(&mut attended_cpu));
    let loss = 100.0 * (1.0 - attended / alone);
    println!("{RUNS} runs, nobody attached        {alone:>9.0} steps/s   {alone_cpu:>6.0} µs CPU a step");
    println!(
        "{RUNS} runs, {CONSOLES} consoles attached  {attended:>9.0} steps/s   {attended_cpu:>6.0} µs CPU a step   {loss:.1} % less (goal < 10 %)"
    );
    desk.end().await;
}

/// Answers under a steady rate of requests, each sent when it is due whether or not others were answered.
async fn latency() {
    let events = std::env::var("EVENTS").ok().and_then(|events| events.parse().ok()).unwrap_or(1_000_000);
    let desk = Desk::open(events).await;
    let mut beside = Beside::start(Rank::Equal, &["requests", &desk.server.url()]);
    let mut figures = String::new();
    tokio::task::block_in_place(|| beside.output.read_to_string(&mut figures)).unwrap();
    print!("{figures}");
    desk.end().await;
}

/// From the start of `attach` to a whole first frame with what the server knows, in a terminal.
fn first_frame() {
    let home = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_morningai");
    let mut serve = Program::new(program);
    serve.args(["serve", "--json", "--listen", "127.0.0.1:0"]).env("MORNINGAI_DATA_DIR", home.path());
    let mut serve = serve.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(serve.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    let url = said["listening"].as_str().unwrap();
    let mut times: Vec<f64> = (0..15).map(|_| attach_once(program, home.path(), url).as_secs_f64() * 1e3).collect();
    let middle = middle(&mut times);
    println!(
        "attach to first full frame      p50 {middle:>6.1} ms   worst {:.1} ms (goal <= 300 ms)",
        times[times.len() - 1]
    );
    serve.kill().unwrap();
    serve.wait().unwrap();
}

fn attach_once(program: &str, home: &Path, url: &str) -> Duration {
    let size = portable_pty::PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
    let pair = portable_pty::native_pty_system().openpty(size).unwrap();
    let mut command = portable_pty::CommandBuilder::new(program);
    command.args(["attach", url]);
    command.env("MORNINGAI_DATA_DIR", home);
    command.env("TERM", "xterm-256color");
    let began = Instant::now();
    let mut child = pair.slave.spawn_command(command).unwrap();
    let mut output = pair.master.try_clone_reader().unwrap();
    let (rows, cols) = (40.try_into().unwrap(), 120.try_into().unwrap());
    let mut screen = vt100::Parser::new(rows, cols, 0);
    let mut buffer = [0; 65536];
    let took = loop {
        let read = output.read(&mut buffer).unwrap();
        assert!(read > 0, "it ended: {}", screen.screen().contents());
        screen.process(&buffer[..read]);
        let shown = screen.screen().contents();
        // The sandbox's rung comes from the server, and the footer is the last row.
        if shown.contains("attached to") && shown.contains("sandbox ") && shown.contains("check machine") {
            break began.elapsed();
        }
    };
    pair.master.take_writer().unwrap().write_all(b"q").unwrap();
    child.wait().unwrap();
    took
}

/// Attaches many consoles that take in everything, until they are ended.
async fn consoles(address: SocketAddr, many: usize) {
    let attached = (0..many).map(|_| async move {
        let mut request = format!("ws://{address}/v1/feed").into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
        let line = tokio::net::TcpStream::connect(address).await.unwrap();
        let (mut socket, _) = tokio_tungstenite::client_async(request, line).await.unwrap();
        let hello = json!({ "say": "hello", "protocol": protocol::VERSION, "program": "bench" });
        socket.send(Message::text(hello.to_string())).await.unwrap();
        socket.next().await.unwrap().unwrap();
        socket
    });
    let sockets = futures::future::join_all(attached).await;
    println!("ready");
    let attend = sockets.into_iter().map(|mut socket| async move {
        let mut beat = tokio::time::interval(protocol::BEAT);
        loop {
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(_)) => {}
                    other => panic!("a console was left: {other:?}"),
                },
                _ = beat.tick() => {
                    let beat = json!({ "say": "beat", "number": 1 });
                    socket.send(Message::text(beat.to_string())).await.unwrap();
                }
            }
        }
    });
    futures::future::join_all(attend).await;
}

async fn requests(base: &str) {
    println!("ready");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (_, list) = timed(&client, format!("{base}/v1/runs?limit=1")).await;
    let run = list["runs"][0]["id"].as_str().unwrap_or_default().to_owned();
    let paths = [
        format!("{base}/v1/runs"),
        format!("{base}/v1/approvals?all=true"),
        format!("{base}/v1/log?limit=100"),
        format!("{base}/v1/runs/{run}"),
        format!("{base}/v1/agents"),
    ];
    let mut due = tokio::time::interval(Duration::from_secs(1) / RATE);
    let mut sent = Vec::new();
    for number in 0..RATE * SECONDS {
        due.tick().await;
        // Every fifth request is a look at the health.
        let is_health = number % 5 == 4;
        let url = match is_health {
            true => format!("{base}/healthz"),
            false => paths[number as usize % paths.len()].clone(),
        };
        let client = client.clone();
        sent.push(tokio::spawn(async move { (is_health, timed(&client, url).await.0) }));
    }
    let (mut api, mut health) = (Vec::new(), Vec::new());
    for answer in sent {
        let (is_health, took) = answer.await.unwrap();
        if is_health { health.push(took) } else { api.push(took) }
    }
    let api = at(&mut api, 0.95);
    let health = at(&mut health, 0.99);
    println!("API under {RATE} requests/s          p95 {api:>6.1} ms (goal < 100 ms)");
    println!("/healthz under the same         p99 {health:>6.1} ms (goal < 50 ms)");
}

async fn timed(client: &reqwest::Client, url: String) -> (f64, Value) {
    let began = Instant::now();
    let response = client.get(url).bearer_auth(TOKEN).send().await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
    let body = response.bytes().await.unwrap();
    (began.elapsed().as_secs_f64() * 1e3, serde_json::from_slice(&body).unwrap_or_default())
}

/// Whether a part of the work gets its share of the processor, or what is left of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rank {
    Equal,
    Last,
}

/// This program again, doing one part of the work.
struct Beside {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Beside {
    /// Starts it, and waits until it is ready.
    fn start(rank: Rank, arguments: &[&str]) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut command = Program::new("nice");
        command
            .args(["-n", if rank == Rank::Last { "19" } else { "0" }])
            .arg(program)
            .args(arguments)
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready");
        Self { child, output }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Desk {
    runtime: Arc<Runtime>,
    server: Server,
    _dir: tempfile::TempDir,
}

impl Desk {
    /// A runtime with a server before it, on a log that has so many events already.
    async fn open(events: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.db");
        let log = SqliteLog::open(&path, Tenant::default(), OpenMode::ReadWrite).await.unwrap();
        let log = Arc::new(log);
        let gate = gate(Turns::default().accounts(log.clone()));
        let log: Arc<dyn Log> = log;
        fill(log.as_ref(), events).await;
        let step: Arc<dyn Tool> = Arc::new(Step::default());
        let parts = RuntimeParts {
            log: log.clone(),
            model: Arc::new(NoModel),
            tools: [(step.spec().name.clone(), step)].into(),
            judge: Arc::new(ByClass),
            clock: Arc::new(SystemClock),
            role: Role::Worker,
            starter: None,
            redactor: Default::default(),
        };
        let runtime = Arc::new(Runtime::start(parts).await.unwrap());
        let listen = "127.0.0.1:0".parse().unwrap();
        let parts = Parts {
            client: Arc::new(LocalClient::new(runtime.clone(), Status::default())),
            log,
            host: Arc::new(NoHost),
            upkeep: Arc::new(no_upkeep::NoUpkeep),
            gate,
            hooks: Hooks::new([], Grouping::default()),
            exposure: Exposure { listen, identity: None, is_terminated_elsewhere: false, names: Vec::new() },
        };
        Self { runtime, server: Server::start(parts).await.unwrap(), _dir: dir }
    }

    /// Steps a second, and microseconds of this process's CPU a step.
    async fn rate(&self) -> (f64, f64) {
        let (began, cpu) = (Instant::now(), cpu_time());
        self.carry_through(RUNS, STEPS).await;
        let steps = f64::from(RUNS * STEPS);
        (steps / began.elapsed().as_secs_f64(), (cpu_time() - cpu).as_secs_f64() * 1e6 / steps)
    }

    async fn carry_through(&self, runs: u32, steps: u32) {
        let step = |number| json!({ "title": format!("step {number}"), "tool": "step", "args": { "n": number } });
        let steps: Vec<_> = (0..steps).map(step).collect();
        let spec = json!({ "goal": "steps", "agent": "bench", "tools": [], "procedure": steps });
        let spec: RunSpec = serde_json::from_value(spec).unwrap();
        let mut started = Vec::new();
        for _ in 0..runs {
            let run = RunId(uuid::Uuid::now_v7());
            let command = RunVerb::Start { spec: Box::new(spec.clone()) }.on(run);
            self.runtime.submit(command, Actor::Person("bench".to_owned())).await.unwrap();
            started.push(run);
        }
        for run in started {
            while !self.runtime.open().0.runs[&run].state.is_final() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    }

    async fn end(self) {
        self.server.end().await;
        self.runtime.shut_down(Duration::from_secs(5)).await;
    }
}

/// Writes runs that are paused and resumed until there are so many events, as a year leaves them behind.
async fn fill(log: &dyn Log, events: u64) {
    const BATCH: u64 = 1000;
    const A_RUN: u64 = 100;
    let spec: RunSpec =
        serde_json::from_value(json!({ "goal": "a goal of some words", "agent": "dev", "tools": [] })).unwrap();
    let mut seq = 0;
    while seq < events {
        let mut snapshot = morningai::fold::Snapshot { cursor: seq, ..Default::default() };
        let mut batch = Batch { after: seq, ..Batch::default() };
        let mut touched = std::collections::BTreeSet::new();
        let (at, by) = (SystemClock.now(), Actor::Person("bench".to_owned()));
        for _ in 0..BATCH / A_RUN {
            let stream = Stream::Run(RunId(uuid::Uuid::now_v7()));
            for version in 1..=A_RUN {
                let event = Event::Run(match version {
                    1 => RunEvent::Started { spec: Box::new(spec.clone()) },
                    A_RUN => RunEvent::Cancelled { reason: "enough of it".to_owned() },
                    even if even % 2 == 0 => RunEvent::Paused { reason: "paused by bench".to_owned(), over: None },
                    _ => RunEvent::Resumed {},
                });
                seq += 1;
                let envelope = Envelope { seq, stream, version, at, by: by.clone(), event: event.clone() };
                touched.extend(snapshot.apply(&envelope));
                batch.events.push(NewEvent { stream, version, at, by: by.clone(), event });
            }
        }
        batch.rows = touched.iter().filter_map(|key| snapshot.row(key)).collect();
        log.append(batch).await.unwrap();
    }
}

#[derive(Clone)]
struct Step(ToolSpec);

impl Default for Step {
    fn default() -> Self {
        Self(tool_spec("step", EffectClass::Observe, Repeat::Repeatable))
    }
}

#[async_trait]
impl Tool for Step {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    async fn prepare(&self, _context: &ToolContext, args: &Value) -> Result<Prepared, ToolResult> {
        Ok(Prepared::Effect(card(&self.0, args)))
    }

    async fn perform(&self, _invocation: Invocation<'_>) -> ToolResult {
        ToolResult::success("done", Output::text("some output"))
    }
}

struct NoHost;

#[async_trait]
impl Host for NoHost {
    async fn offers(&self) -> Vec<Offer> {
        Vec::new()
    }

    async fn past_goals(&self) -> Vec<String> {
        Vec::new()
    }

    fn workspace(&self) -> String {
        String::new()
    }

    async fn prepare(&self, _order: Order) -> Result<RunSpec, Unprepared> {
        unreachable!("nothing is started over the network here")
    }

    async fn complete(&self, _: &Sought) -> Vec<String> {
        Vec::new()
    }

    async fn remember(&self, _goal: &str) {}

    async fn examine(&self) -> Vec<morningai::shape::Finding> {
        Vec::new()
    }

    async fn record(&self, _run: RunId) -> Result<Option<String>, Unprepared> {
        Ok(None)
    }
}

/// Lets the bench in, as often as it likes.
fn gate(accounts: Arc<dyn Accounts>) -> Arc<Gate> {
    let own = OwnToken::new("bench", &SecretString::from(TOKEN.to_owned()));
    let settings = DoorSettings { per_principal: vec![Quota::per_minute(u32::MAX)], ..DoorSettings::default() };
    Arc::new(Gate::new(accounts, Arc::new(SystemEntropy::new()), Arc::new(SystemClock), settings, Some(own)))
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<u64>().unwrap();
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

fn middle(values: &mut [f64]) -> f64 {
    at(values, 0.5)
}

/// The value that so large a part of all is not above.
fn at(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() as f64 * part) as usize).min(values.len() - 1)]
}
