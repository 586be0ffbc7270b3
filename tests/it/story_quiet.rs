//! Quiet when it should be, with the real program: maintenance of the configuration and by hand, inhibition, and the noise
//! report, on both stores and the same after a rebuild; and the chart of what made an alert fire.

use serde_json::{Value, json};

use crate::story_incidents::{hook_token, http, serve, until};
use crate::support::machine::Machine;
use crate::support::postgres::{Database, PROGRAM};
use crate::support::pty::Terminal;
use crate::support::sink::{Reply, Sink};

const CONFIG: &str = r#"
[[maintenance]]
name = "nightly backup"
match = { alertname = "BackupSlow*" }
from = 2026-01-01T00:00:00Z
to = "2099-01-01T00:00:00Z"

[[maintenance]]
name = "weekly reindex"
match = { svc = ["search", "index"] }
zone = "Europe/Berlin"
days = ["sun"]
hours = "02:00-04:00"

[[incidents.inhibit]]
source = { alertname = "NodeDown" }
target = { severity = ["warning", "info"] }
equal = ["instance"]
"#;

fn configure(machine: &Machine, text: &str) {
    let dir = machine.path(".config/morningai");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("config.toml"), text).unwrap();
}

fn body(name: &str, severity: &str, status: &str) -> String {
    let ended = if status == "firing" { "0001-01-01T00:00:00Z" } else { "2026-11-30T03:20:00Z" };
    let labels = json!({ "alertname": name, "severity": severity, "instance": "db1" });
    json!({
        "version": "4", "groupKey": format!("{{}}:{{alertname=\"{name}\"}}"), "truncatedAlerts": 0, "status": status,
        "receiver": "morningai", "groupLabels": { "alertname": name }, "commonLabels": labels,
        "commonAnnotations": {}, "externalURL": "http://am:9093",
        "alerts": [{
            "status": status, "labels": labels, "annotations": {}, "startsAt": "2026-11-30T03:00:00Z",
            "endsAt": ended, "generatorURL": "http://p/g", "fingerprint": "",
        }],
    })
    .to_string()
}

fn ingest(machine: &Machine, name: &str, severity: &str, status: &str) -> String {
    machine.run_with_input(&["ingest", "alertmanager", "-"], &body(name, severity, status)).ended(0).out
}

fn incidents(machine: &Machine) -> Vec<Value> {
    machine.run(&["incidents", "--json"]).ended(0).json()
}

fn find(machine: &Machine, name: &str) -> Value {
    let listed = incidents(machine);
    let found = listed.iter().find(|incident| incident["labels"]["alertname"] == name);
    found.unwrap_or_else(|| panic!("{name}: {listed:?}")).clone()
}

fn stays_quiet(machine: &Machine) {
    configure(machine, CONFIG);
    let taken = ingest(machine, "BackupSlowly", "critical", "firing");
    assert!(taken.contains("is held: maintenance: nightly backup · BackupSlowly"), "{taken}");
    let windows = machine.run(&["maintenance", "--json"]).ended(0).json();
    let named = |name: &str| windows.iter().find(|window| window["name"] == name).unwrap().clone();
    assert_eq!((windows.len(), &named("weekly reindex")["began_at"]), (2, &Value::Null), "{windows:?}");
    let backup = named("nightly backup");
    let id = backup["id"].as_str().unwrap();
    assert_eq!(find(machine, "BackupSlowly")["held"]["maintenance"]["window"], id);
    assert!(machine.run(&["maintenance"]).ended(0).out.contains("active"));
    machine.run(&["maintenance", "end", id]).ended(0);
    machine.run(&["maintenance", "end", id]).ended(1);
    assert_eq!(find(machine, "BackupSlowly")["state"], "firing");
    ingest(machine, "BackupSlowly", "critical", "resolved");
    ingest(machine, "BackupSlowest", "critical", "firing");
    assert_eq!(find(machine, "BackupSlowest")["state"], "firing", "what a person ended stays over");

    // The target first; and both again after the source has ended.
    ingest(machine, "WritesFail", "warning", "firing");
    ingest(machine, "WritesFailToo", "critical", "firing");
    ingest(machine, "NodeDown", "critical", "firing");
    let down = find(machine, "NodeDown");
    assert_eq!((&down["state"], &find(machine, "WritesFailToo")["state"]), (&json!("firing"), &json!("firing")));
    assert_eq!(find(machine, "WritesFail")["held"]["inhibited"]["by"], down["id"]);
    let short = &down["id"].as_str().unwrap()[28..];
    let listed = machine.run(&["incidents", "--state", "held"]).ended(0).out;
    assert!(listed.contains(&format!("inhibited by {short} · WritesFail")), "{listed}");
    let before = incidents(machine);
    machine.run(&["db", "rebuild"]).ended(0);
    assert_eq!(incidents(machine), before);
    ingest(machine, "NodeDown", "critical", "resolved");
    assert_eq!(find(machine, "WritesFail")["state"], "firing");

    let noise = machine.run(&["incidents", "noise", "--since", "1h", "--json"]).ended(0).json();
    let of = |name: &str| noise.iter().find(|line| line["alert"] == name).unwrap();
    assert_eq!((&of("WritesFail")["rang"], &of("WritesFail")["inhibited"]), (&json!(2), &json!(1)));
    assert_eq!((&of("BackupSlowly")["maintenance"], &of("BackupSlowly")["nobody_acted"]), (&json!(1), &json!(1)));
    let table = machine.run(&["incidents", "noise"]).ended(0).out;
    assert!(table.contains("NOBODY ACTED") && table.contains("WritesFail"), "{table}");
    machine.run(&["incidents", "noise", "--since", "soon"]).ended(2);
}

#[test]
fn what_is_expected_or_follows_from_something_else_is_held_back_on_sqlite() {
    stays_quiet(&Machine::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_expected_or_follows_from_something_else_is_held_back_on_postgres() {
    let database = Database::migrated().await;
    let url = database.url(PROGRAM);
    tokio::task::spawn_blocking(move || stays_quiet(&Machine::new().with_store(&url))).await.unwrap();
}

#[test]
fn a_window_that_was_begun_by_hand_ends_by_itself_and_what_fires_on_rings() {
    let machine = Machine::new();
    let served = serve(&machine, &[]);
    let start = ["maintenance", "start", "alertname=Load*", "5s", "--name", "load test", "--json"];
    assert_eq!(machine.run(&start).ended(0).json()[0]["name"], "load test");
    let (hook, token) = (format!("{}/v1/hooks/alertmanager", served.url), hook_token(&machine));
    let posted = http("POST", &hook, Some(&token), &body("LoadHigh", "critical", "firing")).unwrap();
    assert_eq!(posted, (200, "{\"events\":3}".to_owned()));
    assert_eq!(find(&machine, "LoadHigh")["state"], "held");
    until("the end of the window", || Some(()).filter(|()| find(&machine, "LoadHigh")["state"] == "firing"));
    let peoples = std::fs::read_to_string(machine.path("data/serve.token")).unwrap();
    let noise = http("GET", &format!("{}/v1/incidents/noise?since=1h", served.url), Some(peoples.trim()), "").unwrap();
    let noise: Value = serde_json::from_str(&noise.1).unwrap();
    assert_eq!((&noise["noise"][0]["rang"], &noise["noise"][0]["maintenance"]), (&json!(1), &json!(1)));
    for (labels, length) in [("nothing", "1h"), ("a=b", "8d")] {
        machine.run(&["maintenance", "start", labels, length]).ended(2);
    }
}

/// One series that has risen for three hours.
fn rising() -> &'static str {
    let now = chrono::Utc::now().timestamp();
    let values: Vec<_> = (0..=60).map(|point| json!([now - (60 - point) * 180, point.to_string()])).collect();
    let series = json!({ "metric": { "__name__": "errors", "job": "api" }, "values": values });
    json!({ "status": "success", "data": { "resultType": "matrix", "result": [series] } }).to_string().leak()
}

#[test]
fn who_is_on_call_is_shown_on_an_attached_console() {
    let machine = Machine::new();
    let oncall = "[oncall.people]\nbo = { notify = [\"mail\"] }\n\n[oncall.schedules.primary]\nzone = \"UTC\"\nlayers = [{ \
                  people = [\"bo\"], shift = \"daily\", from = \"2026-01-05T09:00\" }]\n\n[oncall.notifiers.email.mail]\nfrom = \
                  \"a@example.org\"\nto = [\"b@example.org\"]\nserver = \"127.0.0.1:1\"\nsecurity = \"none\"\n";
    configure(&machine, oncall);
    let served = serve(&machine, &[]);
    ingest(&machine, "NodeDown", "critical", "firing");
    let mut terminal = Terminal::start(machine.in_terminal(&["attach", &served.url]), 30, 100);
    terminal.until_shown("On call  primary bo");
    terminal.keys("q");
    assert_eq!(terminal.exit_code(), 0);
}

#[test]
fn the_metric_of_an_alert_is_asked_of_the_prometheus_of_the_configuration_and_of_nobody_else() {
    let range = rising();
    let (ours, theirs) = (Sink::start(|_, _| Reply::With(200, range)), Sink::start(|_, _| Reply::With(200, range)));
    let machine = Machine::new();
    configure(&machine, &format!("[incidents]\nprometheus = \"{}\"\nalertmanager = \"\"\n", ours.url));
    let rule = format!("{}/graph?g0.expr=rate%28errors%5B5m%5D%29+%3E+1&g0.tab=1", theirs.url);
    let told = body("ErrorsUp", "critical", "firing").replace("http://p/g", &rule);
    machine.run_with_input(&["ingest", "alertmanager", "-"], &told).ended(0);
    let short = find(&machine, "ErrorsUp")["id"].as_str().unwrap()[28..].to_owned();
    let show = format!("incidents show {short}\nincidents show {short}\nquit\n");
    let shown = machine.run_with_input(&["--plain"], &show).ended(0).out;
    assert!(
        shown.contains("metric: rate(errors[5m]) > 1\nerrors{job=\"api\"}  now 60, least 0, most 60\n60 |"),
        "{shown}"
    );
    assert!(shown.contains("0 |___") && shown.contains("##") && !shown.contains('█'), "{shown}");
    let asked: Vec<_> = ours.arrived().into_iter().filter(|one| one.path.starts_with("/api/v1/query_range")).collect();
    assert_eq!(asked.len(), 1, "the second is answered from memory");
    assert!(asked[0].path.contains("query=rate%28errors%5B5m%5D%29+%3E+1&start="), "{}", asked[0].path);
    assert!(theirs.arrived().is_empty());
}
