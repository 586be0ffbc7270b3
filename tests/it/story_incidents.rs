//! From an alert to a postmortem with the real program: posted, acknowledged, a runbook with one card, resolved; on both
//! stores, with the server killed twice on the way, and once more with a real Alertmanager.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use regex::Regex;
use serde_json::{Value, json};

use crate::story_attach::{Served, a_moment};
use crate::support::machine::Machine;
use crate::support::postgres::{Database, PROGRAM};
use crate::support::pty::Terminal;

const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again until there is an answer; each question is a program of its own.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Some(answer) => return answer,
            None => assert!(Instant::now() < end, "{what} did not happen"),
        }
    }
}

/// Status and body of the answer to a request.
pub fn http(method: &str, url: &str, token: Option<&str>, body: &str) -> Option<(u16, String)> {
    let token = token.map(|token| format!("Authorization: Bearer {token}"));
    http_with(method, url, token.as_deref(), body)
}

/// The same with any header.
pub fn http_with(method: &str, url: &str, header: Option<&str>, body: &str) -> Option<(u16, String)> {
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).ok()?;
    let header = header.map(|header| format!("{header}\r\n")).unwrap_or_default();
    let length = body.len();
    let head = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    // One that refuses the body may close before it has read all of it.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

pub fn body(status: &str, directory: &str) -> String {
    let began = "2026-11-30T03:00:00Z";
    let ended = if status == "firing" { "0001-01-01T00:00:00Z" } else { "2026-11-30T03:20:00Z" };
    let labels = json!({ "alertname": "DiskFilling", "severity": "critical", "directory": directory });
    json!({
        "version": "4", "groupKey": "{}:{alertname=\"DiskFilling\"}", "truncatedAlerts": 0, "status": status,
        "receiver": "morningai", "groupLabels": { "alertname": "DiskFilling" }, "commonLabels": labels,
        "commonAnnotations": {}, "externalURL": "http://am:9093",
        "alerts": [{
            "status": status, "labels": labels, "annotations": { "summary": "/var is 91 % full" }, "startsAt": began,
            "endsAt": ended, "generatorURL": "http://p/g", "fingerprint": "b9489d1fc9ba47fb",
        }],
    })
    .to_string()
}

/// A directory with a file that nobody has written to for a month, and one that is new.
fn fill(machine: &Machine) -> String {
    let directory = machine.path("fills");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("new.log"), "new").unwrap();
    let old = std::fs::File::create(directory.join("old.log")).unwrap();
    old.set_modified(SystemTime::now() - Duration::from_secs(30 * 86_400)).unwrap();
    directory.canonicalize().unwrap().display().to_string()
}

pub fn serve(machine: &Machine, more: &[&str]) -> Served {
    serve_at("127.0.0.1:0", machine, more)
}

fn serve_at(address: &str, machine: &Machine, more: &[&str]) -> Served {
    Served::start_by(machine.command(&[&["serve", "--json", "--listen", address], more].concat()))
}

pub fn hook_token(machine: &Machine) -> String {
    std::fs::read_to_string(machine.path("data/hooks.token")).unwrap().trim().to_owned()
}

pub fn only(machine: &Machine) -> Option<Value> {
    let listed = machine.run(&["incidents", "--json"]).ended(0).json();
    assert!(listed.len() <= 1, "{listed:?}");
    listed.into_iter().next()
}

fn lives_on(machine: &Machine) {
    let directory = fill(machine);
    let served = serve(machine, &[]);
    let address = served.url.strip_prefix("http://").unwrap().to_owned();
    let (hook, token) = (format!("{}/v1/hooks/alertmanager", served.url), hook_token(machine));
    let mut console = Terminal::start(machine.in_terminal(&["attach", &served.url]), 24, 80);
    console.until_shown(&format!("attached to {address}"));
    let post = |token: &str, body: &str| http("POST", &hook, Some(token), body).unwrap();
    let peoples = std::fs::read_to_string(machine.path("data/serve.token")).unwrap();
    assert_eq!(post(peoples.trim(), &body("firing", &directory)).0, 401);
    assert_eq!(http("GET", &format!("{}/v1/incidents", served.url), Some(&token), "").unwrap().0, 401);
    assert_eq!(post(&token, "{\"version\":\"3\"}").0, 400);
    assert_eq!(post(&token, &"x".repeat(9 * 1024 * 1024)).0, 413);
    assert_eq!(only(machine), None);

    assert_eq!(post(&token, &body("firing", &directory)), (200, "{\"events\":2}".to_owned()));
    assert_eq!(post(&token, &body("firing", &directory)), (200, "{\"events\":0}".to_owned()));
    console.until("the incident", |screen| screen.contains("DiskFilling"));
    until("the bell", || Some(()).filter(|()| console.bytes().contains(&7)));
    let incident = only(machine).unwrap();
    assert_eq!((&incident["state"], &incident["severity"]), (&json!("firing"), &json!("critical")));
    assert_eq!(incident["runbook"], "disk-filling");
    let id = incident["id"].as_str().unwrap();
    machine.run(&["incidents", "acknowledge", id]).ended(0);
    machine.run(&["incidents", "acknowledge", id]).ended(1);
    machine.run(&["incidents", "note", id, "TODO rotate these logs"]).ended(0);
    machine.run(&["incidents", "runbook", id]).ended(0);

    let card = until("a card", || machine.run(&["approvals", "--json"]).ended(0).json().into_iter().next());
    assert_eq!((&card["tool"], &card["state"]), (&json!("remove_old_files"), &json!("pending")));
    assert_eq!(only(machine).unwrap()["state"], "mitigating");
    assert!(machine.path("fills/old.log").exists(), "nothing goes before it is approved");

    // Dropped, it is killed as by `kill -9`.
    drop(served);
    console.until_shown("connection lost");
    let served = serve_at(&address, machine, &[]);
    console.until("the server is back", |screen| !screen.contains("connection lost"));
    console.keys("w");
    console.until_shown("Exactly this will run");
    console.keys("G");
    console.until_shown("y approve");
    a_moment();
    console.keys("y");
    until("the end of the run", || Some(()).filter(|()| only(machine).unwrap()["runs"][0]["ended"] == "succeeded"));
    drop(served);
    let served = serve_at(&address, machine, &[]);
    assert!(!machine.path("fills/old.log").exists() && machine.path("fills/new.log").exists());

    assert_eq!(post(&token, &body("resolved", &directory)), (200, "{\"events\":2}".to_owned()));
    let resolved = only(machine).unwrap();
    assert_eq!((&resolved["state"], &resolved["acknowledged_by"]), (&json!("resolved"), &json!("person:ana")));
    let written = machine.run(&["incidents", "postmortem", id]).ended(0).out;
    insta::assert_snapshot!("postmortem_of_the_story", without_what_differs(&written, &directory));
    drop(served);
    machine.run(&["db", "rebuild"]).ended(0);
    assert_eq!(only(machine).unwrap(), resolved);
    machine.run(&["log", "verify"]).ended(0);
}

fn without_what_differs(text: &str, directory: &str) -> String {
    let mut text = text.replace(directory, "DIRECTORY");
    for (pattern, with) in [
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME"),
        (r"\b\d+ (min|s|h)\b( \d+ (min|s))?", "SPAN"),
        (r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID"),
        (r"run `?[0-9a-f]{8}`?", "run ID"),
        (r"Run `[0-9a-f]{8}`", "Run ID"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, with).into_owned();
    }
    text
}

#[test]
fn an_alert_becomes_a_resolved_incident_on_sqlite() {
    lives_on(&Machine::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_becomes_a_resolved_incident_on_postgres() {
    let database = Database::migrated().await;
    let url = database.url(PROGRAM);
    tokio::task::spawn_blocking(move || lives_on(&Machine::new().with_store(&url))).await.unwrap();
}

#[test]
fn a_file_is_taken_in_as_the_receiver_would() {
    let machine = Machine::new();
    std::fs::write(machine.path("hook.json"), body("firing", "/var/tmp")).unwrap();
    let taken = machine.run(&["ingest", "alertmanager", "hook.json"]).ended(0).out;
    assert!(taken.ends_with("is firing: DiskFilling: /var is 91 % full\n"), "{taken}");
    let again = machine.run_with_input(&["ingest", "alertmanager", "-"], &body("firing", "/var/tmp")).ended(0);
    assert_eq!(again.out, "nothing new\n");
    let listed = machine.run(&["incidents"]).ended(0).out;
    assert!(listed.contains("critical") && listed.contains("DiskFilling: /var is 91 % full"), "{listed}");
    std::fs::write(machine.path("bad.json"), "{\"version\": \"4\",\n\"alerts\": 1}").unwrap();
    let bad = machine.run(&["ingest", "alertmanager", "bad.json"]).ended(2).err;
    assert!(bad.contains("line 2, column") && bad.contains("bad.json"), "{bad}");
    machine.run(&["ingest", "alertmanager", "missing.json"]).ended(2);
    machine.run(&["ingest", "nagios", "hook.json"]).ended(2);
    let none = machine.run(&["--alertmanager", "localhost", "serve"]).ended(2).err;
    assert!(none.contains("is not the address of an Alertmanager"), "{none}");
    let config = "[incidents]\nalertmanager = \"http://localhost:9093\"\nprometheus = \"localhost:9090\"\n";
    std::fs::write(machine.path("wrong.toml"), config).unwrap();
    let wrong = machine.run(&["--config", "wrong.toml", "runs"]).ended(2).err;
    assert!(wrong.contains("[incidents] prometheus") && wrong.contains("http://localhost:9090"), "{wrong}");
}

/// An Alertmanager of its own, ended with the test.
pub struct Alertmanager {
    child: Child,
    pub url: String,
}

impl Alertmanager {
    /// `None` where this machine has no such program.
    pub fn start(machine: &Machine, hook: &str, token: &str) -> Option<Self> {
        let config = format!(
            "route:\n  receiver: morningai\n  group_by: [alertname]\n  group_wait: 0s\n  group_interval: 1s\nreceivers:\n  - \
             name: morningai\n    webhook_configs:\n      - url: {hook}\n        send_resolved: true\n        http_config:\n          \
             authorization:\n            credentials: {token}\n"
        );
        std::fs::write(machine.path("alertmanager.yml"), config).unwrap();
        // Free just now; whoever takes it meanwhile makes the test fail, not pass.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", machine.path("alertmanager.yml").display()))
            .arg(format!("--storage.path={}", machine.path("alertmanager").display()))
            .arg(format!("--web.listen-address={free}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.ok()?;
        let started = Self { child, url: format!("http://{free}") };
        until("an Alertmanager", || http("GET", &format!("{}/-/ready", started.url), None, "").filter(|a| a.0 == 200));
        Some(started)
    }

    fn alert(&self, ended: &str) {
        self.post(&json!({ "alertname": "HighErr", "severity": "critical", "svc": "\u{202e}api" }), ended);
    }

    pub fn post(&self, labels: &Value, ended: &str) {
        let alert = json!([{ "labels": labels, "startsAt": "2026-11-30T03:00:00Z", "endsAt": ended }]);
        let (status, answer) = http("POST", &format!("{}/api/v2/alerts", self.url), None, &alert.to_string()).unwrap();
        assert_eq!(status, 200, "{answer}");
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_real_alertmanager_is_heard_by_webhook_and_by_asking_it() {
    let (called, asking) = (Machine::new(), Machine::new());
    let served = serve(&called, &[]);
    let hook = format!("{}/v1/hooks/alertmanager", served.url);
    let Some(source) = Alertmanager::start(&called, &hook, &hook_token(&called)) else {
        eprintln!("not tested: there is no prometheus-alertmanager here");
        return;
    };
    let _asks = serve(&asking, &["--alertmanager", &source.url]);
    source.alert("2099-01-01T00:00:00Z");
    let posted = until("an incident by webhook", || only(&called));
    let polled = until("an incident by asking", || only(&asking));
    assert_eq!((&posted["id"], &posted["group"]), (&polled["id"], &polled["group"]), "both ways lead to the same");
    assert_eq!(posted["title"], "HighErr");
    source.alert("2026-11-30T03:00:01Z");
    for machine in [&called, &asking] {
        until("the end of it", || only(machine).filter(|incident| incident["state"] == "resolved"));
    }
}

#[test]
fn a_silence_is_made_after_approval_and_ends_with_its_incident() {
    let machine = Machine::new();
    let Some(source) = Alertmanager::start(&machine, "http://127.0.0.1:9/", "x") else {
        eprintln!("not tested: there is no prometheus-alertmanager here");
        return;
    };
    let _served = serve(&machine, &["--alertmanager", &source.url]);
    let silences = |state: &str| {
        let (_, listed) = http("GET", &format!("{}/api/v2/silences", source.url), None, "").unwrap();
        let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
        listed.into_iter().filter(|silence| silence["status"]["state"] == state).collect::<Vec<_>>()
    };
    source.alert("2099-01-01T00:00:00Z");
    let incident = until("an incident", || only(&machine));
    let id = incident["id"].as_str().unwrap();
    machine.run(&["incidents", "silence", id, "for ever"]).ended(2);
    machine.run(&["incidents", "silence", id, "2h"]).ended(0);
    let card = until("a card", || machine.run(&["approvals", "--json"]).ended(0).json().into_iter().next());
    assert_eq!((&card["verb"], &card["tool"]), (&json!("silence"), &json!("silence_alerts")));
    let shown = machine.run(&["approvals", "show", card["id"].as_str().unwrap()]).ended(0).out;
    assert!(shown.contains("hides HighErr"), "{shown}");
    assert_eq!(silences("active"), [Value::Null; 0], "nothing is silenced before it is approved");
    let (approval, digest) = (card["id"].as_str().unwrap(), card["digest"].as_str().unwrap());
    machine.run(&["approve", approval, "--digest", digest]).ended(0);
    let made = until("a silence", || silences("active").into_iter().next());
    assert!(made["comment"].as_str().unwrap().contains(id), "{made}");
    until("that it is known", || Some(()).filter(|()| only(&machine).unwrap()["silence"]["made"] == "succeeded"));
    machine.run(&["incidents", "resolve", id]).ended(0);
    until("the end of the silence", || silences("expired").into_iter().next());
    until("that this is known", || {
        Some(()).filter(|()| only(&machine).unwrap()["silence"]["lift"]["ended"] == "succeeded")
    });
}
