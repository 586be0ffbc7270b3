//! What it takes to know what things cost: the usage screen over a million events of ninety days, and what counting each
//! answer of a model adds to a durable step.
//!
//! Prints figures, and ratios to the same without the counting; it asserts nothing. `cargo bench --bench usage`

#[path = "support/terminal.rs"]
mod terminal;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use morningai::domain::*;
use morningai::fold::Snapshot;
use morningai::kinds::*;
use morningai::ports::{Batch, Log, NewEvent};
use morningai::store::{OpenMode, SqliteLog};
use terminal::Terminal;

const EVENTS: u64 = 1_000_000;
const DAYS: i64 = 90;
/// Turns of a run, of two events each; with its start and its end, 50 events.
const TURNS: u32 = 24;
/// Durable steps that are timed, with the counting and without.
const STEPS: u32 = 2_000;
const ROUNDS: usize = 100;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(fill(dir.path()));
    screen(dir.path());
    runtime.block_on(meter());
}

/// A log in memory beside the one on disk, which the rows are made from.
struct Filling {
    log: SqliteLog,
    snapshot: Snapshot,
    seq: u64,
}

impl Filling {
    async fn append(&mut self, events: Vec<NewEvent>) {
        let mut touched = BTreeSet::new();
        let after = self.seq;
        for event in &events {
            self.seq += 1;
            let NewEvent { stream, version, at, by, event } = event.clone();
            touched.extend(self.snapshot.apply(&Envelope { seq: self.seq, stream, version, at, by, event }));
        }
        let rows = touched.iter().filter_map(|key| self.snapshot.row(key)).collect();
        self.log.append(Batch { after, events, rows, ..Batch::default() }).await.unwrap();
        self.snapshot.forget_old();
    }
}

async fn open(dir: &Path) -> Filling {
    let log = SqliteLog::open(&dir.join("morningai.db"), Tenant::default(), OpenMode::ReadWrite).await.unwrap();
    Filling { log, snapshot: Snapshot::default(), seq: 0 }
}

/// Runs of ten agents, five people and four models, evenly over the last ninety days.
async fn fill(dir: &Path) {
    let mut filling = open(dir).await;
    let (now, runs) = (Utc::now(), EVENTS / u64::from(TURNS * 2 + 2));
    let pause = TimeDelta::days(DAYS) / i32::try_from(runs).unwrap();
    for first in (0..runs).step_by(100) {
        let of_run = |number: u64| run(number, now - pause * i32::try_from(runs - number).unwrap());
        filling.append((first..(first + 100).min(runs)).flat_map(of_run).collect()).await;
    }
    filling.log.close().await.unwrap();
}

fn run(number: u64, at: DateTime<Utc>) -> Vec<NewEvent> {
    let stream = Stream::Run(RunId(uuid::Uuid::from_u128(u128::from(number) + 1)));
    let spec = serde_json::json!({ "goal": "a goal", "agent": format!("agent{}", number % 10), "tools": [] });
    let started = RunEvent::Started { spec: Box::new(serde_json::from_value(spec).unwrap()) };
    let turns = (1..=TURNS).flat_map(|turn| {
        let begun = RunEvent::TurnStarted { turn, attempt: 1, purpose: PurposeOfTurn::Act };
        [begun, RunEvent::TurnFinished { turn, attempt: 1, reply: reply(number + u64::from(turn)) }]
    });
    let ended = RunEvent::Succeeded { summary: "done".into() };
    let by = Actor::Person(format!("person{}", number % 5));
    let events = std::iter::once(started).chain(turns).chain([ended]).zip(1..);
    events.map(|(event, version)| NewEvent { stream, version, at, by: by.clone(), event: Event::Run(event) }).collect()
}

fn reply(number: u64) -> ModelReply {
    ModelReply {
        model: format!("provider/model{}", number % 4),
        text: Untrusted::default(),
        refusal: None,
        calls: Vec::new(),
        finish: FinishReason::Stop,
        usage: Some(Usage { input: 4_000 + number, cached: 2_000, output: 300 }),
        cost: Some(Usd(i64::try_from(number % 1_000).unwrap() * 10_000)),
        carried: None,
    }
}

/// From the key to the table, in a console that has just shown something else.
fn screen(dir: &Path) {
    let mut console = Terminal::start(dir, &[], |screen| screen.contains("1 Now"));
    std::thread::sleep(Duration::from_secs(1));
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = console.key(b"6");
        times.push(console.until(|screen| screen.contains("By agent, last 30 days")) - began);
        console.key(b"1");
        console.until(|screen| !screen.contains("By agent, last 30 days"));
    }
    times.sort();
    println!(
        "the usage screen, {EVENTS} events of {DAYS} days   p50 {:>6.2} ms   worst {:.2} ms (limit 100)   first frame {:.1} ms",
        millis(times[ROUNDS / 2]),
        millis(times[ROUNDS - 1]),
        millis(console.first_frame)
    );
}

/// One answer of a model at a time, each made durable: with the row of its day, and without.
async fn meter() {
    let mut costs = [Vec::new(), Vec::new()];
    // By turns, so that a disk that gets slower does not favour one of them.
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut logs = [open(dirs[0].path()).await, open(dirs[1].path()).await];
    for filling in &mut logs {
        filling.append(run(0, Utc::now()).into_iter().take(1).collect()).await;
    }
    for step in 0..STEPS {
        for (counts, (filling, times)) in [true, false].into_iter().zip(logs.iter_mut().zip(&mut costs)) {
            let stream = Stream::Run(RunId(uuid::Uuid::from_u128(1)));
            let finished = RunEvent::TurnFinished { turn: step + 1, attempt: 1, reply: reply(step.into()) };
            let version = u64::from(step) + 2;
            let at = Utc::now();
            let event = NewEvent { stream, version, at, by: Actor::System, event: Event::Run(finished) };
            let began = Instant::now();
            if counts {
                filling.append(vec![event]).await;
            } else {
                without_day(filling, event).await;
            }
            times.push(began.elapsed());
        }
    }
    let [with, without] = costs.map(|mut times| {
        times.sort();
        times.iter().take(STEPS as usize * 95 / 100).sum::<Duration>()
    });
    println!(
        "a durable answer of a model, counted   {:>8.1} µs   {:.1} % more than uncounted (limit 3 %)",
        with.as_secs_f64() * 1e6 / f64::from(STEPS) / 0.95,
        (with.as_secs_f64() / without.as_secs_f64() - 1.0) * 100.0
    );
}

async fn without_day(filling: &mut Filling, event: NewEvent) {
    let after = filling.seq;
    filling.seq += 1;
    let NewEvent { stream, version, at, by, event: what } = event.clone();
    // A sequence number of 0 is that of an event which is in no log, and no day counts it.
    filling.snapshot.apply(&Envelope { seq: 0, stream, version, at, by, event: what });
    let rows = stream.row().and_then(|key| filling.snapshot.row(&key)).into_iter().collect();
    filling.log.append(Batch { after, events: vec![event], rows, ..Batch::default() }).await.unwrap();
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
