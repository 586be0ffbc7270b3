//! Alerts as they come at the worst of times: webhooks to disk and to the bell, a storm, and a long past to look at.
//!
//! `cargo bench --bench incidents`. Prints figures, beside what the disk alone takes where that matters; asserts none.

#[path = "support/terminal.rs"]
mod terminal;

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::{Batch, Log, NewEvent};
use morningai::store::{OpenMode, SqliteLog};
use serde_json::{Value, json};

use terminal::{Terminal, resident_kilobytes};

/// Webhooks a second, and for how long.
const RATE: u32 = 500;
const SECONDS: u32 = 5;
/// Alerts of the storm, and how many of them come in one webhook.
const STORM: u32 = 10_000;
const IN_ONE: u32 = 20;
const STORM_SECONDS: u32 = 10;
/// Incidents that were resolved long ago.
const PAST: u32 = 100_000;

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let home = tempfile::tempdir().unwrap();
    let raw = synced_writes(home.path());
    {
        let serve = Serve::start(home.path());
        let steady = runtime.block_on(posts(&serve, RATE, RATE * SECONDS, |number| vec![alert(number, number % 20)]));
        let (p50, p99) = (middle(&steady), last(&steady));
        println!(
            "webhook to disk, {RATE} a second     p50 {p50:>6.1} ms   p99 {p99:.1} ms   {:.1}× a synced write's p99 of {raw:.1} ms",
            p99 / raw
        );
        let mut console = attach(home.path(), &serve.url);
        bell(&runtime, &serve, &console);
        storm(&runtime, &serve, &mut console);
    }
    rebuilt(home.path());
    let past = tempfile::tempdir().unwrap();
    runtime.block_on(fill(past.path()));
    run(past.path(), &["db", "rebuild"]);
    list(past.path());
}

/// p99 of writing a webhook's worth of bytes and waiting for the disk, in milliseconds.
fn synced_writes(dir: &Path) -> f64 {
    let mut file = File::create(dir.join("raw")).unwrap();
    let mut times: Vec<_> = (0..500)
        .map(|_| {
            let began = Instant::now();
            file.write_all(&[7; 2_048]).unwrap();
            file.sync_data().unwrap();
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    last(&times)
}

struct Serve {
    child: Child,
    url: String,
    token: String,
}

impl Serve {
    fn start(home: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_morningai"));
        command.args(["serve", "--json", "--listen", "127.0.0.1:0"]).env("MORNINGAI_DATA_DIR", home).env("HOME", home);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let token = std::fs::read_to_string(home.join("hooks.token")).unwrap().trim().to_owned();
        Self { child, url: said["listening"].as_str().unwrap().to_owned(), token }
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn attach(home: &Path, url: &str) -> Terminal {
    let console = Terminal::start(home, &["attach", url], |screen| screen.contains("attached to"));
    // What rang before it came has been told.
    std::thread::sleep(Duration::from_secs(2));
    console
}

fn alert(number: u32, group: u32) -> Value {
    let name = format!("Alert{group}");
    json!({
        "status": "firing", "startsAt": "2026-11-30T03:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": format!("{number:016x}"), "generatorURL": "http://prometheus:9090/graph",
        "labels": { "alertname": name, "severity": "warning", "instance": format!("web{number}:9100"), "job": "node" },
        "annotations": { "summary": format!("something is wrong with web{number}") },
    })
}

fn body(alerts: &[Value]) -> String {
    let name = &alerts[0]["labels"]["alertname"];
    json!({
        "version": "4", "groupKey": format!("{{}}:{{alertname={name}}}"), "truncatedAlerts": 0, "status": "firing",
        "receiver": "morningai", "groupLabels": { "alertname": name }, "commonLabels": { "alertname": name },
        "commonAnnotations": {}, "externalURL": "http://am:9093", "alerts": alerts,
    })
    .to_string()
}

/// Webhooks at a steady rate, each sent when it is due whether or not others were answered; milliseconds to the answer of
/// each, which comes when it is on disk.
async fn posts(serve: &Serve, rate: u32, many: u32, alerts: impl Fn(u32) -> Vec<Value>) -> Vec<f64> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut due = tokio::time::interval(Duration::from_secs(1) / rate);
    let mut sent = Vec::new();
    for number in 0..many {
        let body = body(&alerts(number));
        due.tick().await;
        let post = client.post(format!("{}/v1/hooks/alertmanager", serve.url)).bearer_auth(&serve.token).body(body);
        sent.push(tokio::spawn(async move {
            let began = Instant::now();
            let answer = post.send().await.unwrap();
            assert_eq!(answer.status(), 200);
            began.elapsed().as_secs_f64() * 1e3
        }));
    }
    let mut times = Vec::new();
    for answer in sent {
        times.push(answer.await.unwrap());
    }
    times.sort_by(f64::total_cmp);
    times
}

fn bell(runtime: &tokio::runtime::Runtime, serve: &Serve, console: &Terminal) {
    let mut times: Vec<_> = (0..10)
        .map(|round| {
            std::thread::sleep(Duration::from_millis(1_500));
            console.forget();
            let began = Instant::now();
            runtime.block_on(posts(serve, 1, 1, |_| vec![alert(9_000_000 + round, 1_000 + round)]));
            (console.bell() - began).as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "webhook to bell, attached          p50 {:>6.1} ms   worst {:.1} ms",
        middle(&times),
        times[times.len() - 1]
    );
}

/// Ten thousand alerts in ten seconds, while somebody works at a console.
fn storm(runtime: &tokio::runtime::Runtime, serve: &Serve, console: &mut Terminal) {
    console.key(b"5");
    let mut keys = Vec::new();
    let answers = std::thread::scope(|scope| {
        let webhooks = STORM / IN_ONE;
        let storm = scope.spawn(move || {
            let alerts =
                |number: u32| (0..IN_ONE).map(move |one| alert(100_000 + number * IN_ONE + one, number % 8)).collect();
            runtime.block_on(posts(serve, webhooks / STORM_SECONDS, webhooks, alerts))
        });
        while !storm.is_finished() {
            for (key, opens) in [(b"?", true), (b"\x1b", false)] {
                let began = console.key(key);
                let shown = console.until(|screen| screen.contains("draw the whole screen again") == opens);
                keys.push((shown - began).as_secs_f64() * 1e3);
                std::thread::sleep(Duration::from_millis(60));
            }
        }
        storm.join().unwrap()
    });
    keys.sort_by(f64::total_cmp);
    println!(
        "{STORM} alerts in {STORM_SECONDS} s             answer p99 {:.1} ms   a key p50 {:.1} ms, p99 {:.1} ms   serve {:.0} MB, console {:.0} MB",
        last(&answers),
        middle(&keys),
        last(&keys),
        resident_kilobytes(serve.child.id()) as f64 / 1024.0,
        console.resident_kilobytes() as f64 / 1024.0
    );
}

/// What the storm left, and whether it is the same once the log is read again.
fn rebuilt(home: &Path) {
    let before = run(home, &["incidents", "--json"]);
    run(home, &["db", "rebuild"]);
    let after = run(home, &["incidents", "--json"]);
    let many = before.iter().filter(|byte| **byte == b'\n').count();
    println!(
        "incidents afterwards               {many}, {} after a rebuild",
        if before == after { "the same" } else { "OTHERS" }
    );
}

fn run(home: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_morningai"));
    command.args(arguments).env("MORNINGAI_DATA_DIR", home).env("HOME", home);
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

async fn fill(dir: &Path) {
    let log = SqliteLog::open(&dir.join("morningai.db"), Tenant::default(), OpenMode::ReadWrite).await.unwrap();
    let mut seq = 0;
    for block in 0..PAST / 2_500 {
        let mut events = Vec::new();
        for number in block * 2_500..(block + 1) * 2_500 {
            let at = chrono::DateTime::from_timestamp(1_700_000_000 + i64::from(number) * 60, 0).unwrap();
            let group = GroupKey::of(["bench", &number.to_string()]);
            let stream = Stream::Incident(group.incident(at));
            let labels = json!({ "alertname": format!("Alert{number}"), "severity": "warning" });
            let opened = json!({
                "type": "incident.opened", "group": group, "title": format!("Alert{number}: it was slow"), "labels": labels,
            });
            for (version, event) in [(1, serde_json::from_value(opened).unwrap()), (2, IncidentEvent::Resolved {})] {
                events.push(NewEvent { stream, version, at, by: Actor::System, event: Event::Incident(event) });
            }
        }
        let count = events.len() as u64;
        log.append(Batch { after: seq, events, ..Batch::default() }).await.unwrap();
        seq += count;
    }
    log.close().await.unwrap();
}

/// From the key to the screen with the newest of them.
fn list(dir: &Path) {
    let newest = format!("Alert{}", PAST - 1);
    let mut times: Vec<_> = (0..9)
        .map(|_| {
            let mut console = Terminal::start(dir, &[], |screen| screen.contains("1 Now"));
            std::thread::sleep(Duration::from_millis(300));
            let began = console.key(b"5");
            (console.until(|screen| screen.contains(&newest)) - began).as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "list of {PAST} past incidents    p50 {:>6.1} ms   worst {:.1} ms",
        middle(&times),
        times[times.len() - 1]
    );
}

fn middle(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

fn last(sorted: &[f64]) -> f64 {
    sorted[sorted.len() * 99 / 100]
}
