//! The console as a whole process in a terminal: first frame, memory, idling, keys, frames.
//!
//! Prints figures of an empty store and of one with a million events side by side; it asserts nothing.
//! `cargo bench --bench console`

#[path = "support/terminal.rs"]
mod terminal;

use std::path::Path;
use std::time::Duration;

use morningai::client::Recording;
use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::{Batch, Log, NewEvent};
use morningai::store::{OpenMode, SqliteLog};

use terminal::Terminal;

const EVENTS: u64 = 1_000_000;
const STARTS: usize = 15;
const IDLE: Duration = Duration::from_secs(10);
/// How long the frames of a stream are counted that nobody interrupts.
const STREAM: Duration = Duration::from_secs(5);

fn main() {
    let empty = tempfile::tempdir().unwrap();
    let full = tempfile::tempdir().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(fill(full.path()));
    let [empty_start, full_start] = [empty.path(), full.path()].map(first_frame);
    println!("first frame, empty store       p50 {:>7.1} ms", millis(empty_start));
    println!(
        "first frame, {EVENTS} events   p50 {:>7.1} ms   {:.2}× the empty store's",
        millis(full_start),
        full_start.as_secs_f64() / empty_start.as_secs_f64()
    );
    let console = start(full.path(), &[]);
    std::thread::sleep(Duration::from_secs(1));
    println!("resident memory                    {:>7.1} MB", console.resident_kilobytes() as f64 / 1024.0);
    let (bytes, cpu) = console.idle(IDLE);
    println!(
        "idle for {} s                      {bytes} bytes to the terminal, {:.3} % of a core",
        IDLE.as_secs(),
        cpu.as_secs_f64() / IDLE.as_secs_f64() * 100.0
    );
    keys(console);
    keys_under_load(empty.path());
}

/// One run that goes on and on, as a log with a long past has.
async fn fill(dir: &Path) {
    let log = SqliteLog::open(&dir.join("morningai.db"), Tenant::default(), OpenMode::ReadWrite).await.unwrap();
    let mut seq = 0;
    let mut number = 0_u128;
    while seq < EVENTS {
        let mut events = Vec::new();
        for _ in 0..100 {
            number += 1;
            let stream = Stream::Run(RunId(uuid::Uuid::from_u128(number)));
            for version in 1..=50 {
                let event =
                    Event::Run(RunEvent::Paused { reason: format!("event {version} of an old run"), over: None });
                let at = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
                events.push(NewEvent { stream, version, at, by: Actor::System, event });
            }
        }
        let count = events.len() as u64;
        log.append(Batch { after: seq, events, ..Batch::default() }).await.unwrap();
        seq += count;
    }
    log.close().await.unwrap();
}

fn start(dir: &Path, arguments: &[&str]) -> Terminal {
    Terminal::start(dir, arguments, |screen| screen.contains("1 Now"))
}

fn first_frame(dir: &Path) -> Duration {
    let mut times: Vec<_> = (0..STARTS).map(|_| start(dir, &[]).first_frame).collect();
    times.sort();
    times[STARTS / 2]
}

fn keys(mut console: Terminal) {
    let mut times = Vec::new();
    let mut sizes = Vec::new();
    for round in 0..200 {
        console.forget();
        let began = console.key(if round % 2 == 0 { b"2" } else { b"1" });
        std::thread::sleep(Duration::from_millis(40));
        let (written, last) = console.written();
        sizes.push(written.len());
        times.push(last.saturating_duration_since(began));
    }
    times.sort();
    sizes.sort_unstable();
    println!(
        "a key to its last output byte  p50 {:>7.2} ms   p99 {:.2} ms   (switching screens, 120×40)",
        millis(times[times.len() / 2]),
        millis(times[times.len() * 99 / 100])
    );
    println!("a frame of a new screen        p50 {:>7} bytes", sizes[sizes.len() / 2]);
}

/// Opening and closing the help page while a recording plays 1,000 events and 5,000 pieces of streams a second.
fn keys_under_load(dir: &Path) {
    let file = dir.join("storm.ndjson");
    std::fs::write(&file, storm().to_ndjson().unwrap()).unwrap();
    let mut console = start(dir, &["demo", file.to_str().unwrap()]);
    std::thread::sleep(Duration::from_secs(1));
    console.forget();
    std::thread::sleep(STREAM);
    let mut sizes = frame_sizes(&console.written().0);
    let mut times = Vec::new();
    for round in 0..200 {
        let (key, opens): (&[u8], bool) = if round % 2 == 0 { (b"?", true) } else { (b"\x1b", false) };
        let began = console.key(key);
        times.push(console.until(|screen| screen.contains("draw the whole screen again") == opens) - began);
        std::thread::sleep(Duration::from_millis(60));
    }
    times.sort();
    println!(
        "a key to its answer under load p50 {:>7.2} ms   p99 {:.2} ms   (1,000 events and 5,000 deltas a second)",
        millis(times[times.len() / 2]),
        millis(times[times.len() * 99 / 100])
    );
    sizes.sort_unstable();
    println!("a frame of the stream              p50 {:>7} bytes   of {} frames", sizes[sizes.len() / 2], sizes.len());
}

/// Bytes of each frame: what ends with the end of a synchronized update.
fn frame_sizes(bytes: &[u8]) -> Vec<usize> {
    const END: &[u8] = b"\x1b[?2026l";
    let ends: Vec<_> = (0..bytes.len()).filter(|at| bytes[..*at].ends_with(END)).collect();
    ends.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// One run whose turns of 120 characters follow each other every 2 ms: two events and ten pieces each.
fn storm() -> Recording {
    let run = Stream::Run(RunId(uuid::Uuid::from_u128(1)));
    let spec = serde_json::json!({ "goal": "a storm", "agent": "dev", "tools": [] });
    let started = RunEvent::Started { spec: Box::new(serde_json::from_value(spec).unwrap()) };
    let turns = (1..=10_000_u32).flat_map(|turn| {
        let at = Duration::from_micros(u64::from(turn) * 2_000);
        let begun = RunEvent::TurnStarted { turn, attempt: 1, purpose: PurposeOfTurn::Act };
        let reply = ModelReply {
            model: "storm".to_owned(),
            text: "twelve chars".repeat(10).into(),
            refusal: None,
            calls: Vec::new(),
            finish: FinishReason::Stop,
            usage: None,
            cost: None,
            carried: None,
        };
        let ended = RunEvent::TurnFinished { turn, attempt: 1, reply };
        [(at, begun), (at + Duration::from_micros(1_900), ended)]
    });
    let start = chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    let events = std::iter::once((Duration::ZERO, started)).chain(turns).zip(1..).map(|((at, event), seq)| {
        let event = Event::Run(event);
        (at, Envelope { seq, stream: run, version: seq, at: start + at, by: Actor::System, event })
    });
    Recording { title: "a storm".to_owned(), events: events.collect(), blobs: Default::default(), otherwise: None }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
