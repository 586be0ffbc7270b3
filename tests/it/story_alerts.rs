//! Rules that alert, with the real program: read, asked about at a real Prometheus, and the bundled ones proven.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::story_incidents::body;
use crate::support::machine::Machine;
use crate::support::prometheus::Prometheus;

const BAD: &str = "groups:\n- name: g\n  rules:\n  - alert: NoneUp\n    expr: count(up == 1) == 0\n    labels: {severity: critical}\n";

fn bundled(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/monitoring").join(name).display().to_string()
}

/// A file with a rule for each expression, named by its number.
fn rules(expressions: &[&str]) -> String {
    let rule = |(number, expr): (usize, &&str)| {
        format!("  - alert: R{number}\n    expr: '{expr}'\n    labels: {{severity: warning}}\n")
    };
    let rules: String = expressions.iter().enumerate().map(rule).collect();
    format!("groups:\n- name: g\n  rules:\n{rules}")
}

fn said(found: &[Value]) -> Vec<(String, String)> {
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    found.iter().map(|finding| (text(finding, "alert"), text(finding, "check"))).collect()
}

#[test]
fn rules_are_read_and_what_is_wrong_is_said_with_its_line() {
    let machine = Machine::new();
    std::fs::write(machine.path("bad.yml"), BAD).unwrap();
    let text = machine.run(&["alerts", "lint", "bad.yml"]).ended(1).out;
    assert!(text.starts_with("bad.yml:5:5: NoneUp: never-fires\n    `count(up == 1) == 0` is never true"), "{text}");
    assert!(text.ends_with("1 finding in 1 alert of 1 file\n"), "{text}");
    let found = machine.run(&["alerts", "lint", "bad.yml", "--json"]).ended(1).json();
    let place =
        json!({ "file": "bad.yml", "line": 5, "column": 5, "group": "g", "alert": "NoneUp", "check": "never-fires" });
    for (field, value) in place.as_object().unwrap() {
        assert_eq!(&found[0][field], value);
    }
    let from_input = machine.run_with_input(&["alerts", "lint", "-", "--json"], BAD).ended(1).json();
    assert_eq!(from_input[0]["file"], "standard input");
    let checks = machine.run(&["alerts", "lint", "--checks", "--json"]).ended(0).json();
    assert!(checks.iter().any(|check| check["check"] == "joins-nothing" && check["asks"] == true), "{checks:?}");
    machine.run(&["alerts", "lint"]).ended(2);
    machine.run(&["alerts", "lint", "missing.yml"]).ended(2);
    machine.run(&["alerts", "lint", "bad.yml", "--prometheus", "localhost"]).ended(2);
    assert!(!machine.path("data").exists(), "looking leaves nothing behind");
}

#[test]
fn without_an_answer_what_was_read_is_said_all_the_same() {
    let machine = Machine::new();
    std::fs::write(machine.path("bad.yml"), BAD).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nonsense = TcpListener::bind("127.0.0.1:0").unwrap();
    let pages = nonsense.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in nonsense.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>");
        }
    });
    for (address, reason) in [(free, "it cannot be reached"), (pages, "not as a Prometheus does")] {
        let url = format!("http://{address}");
        let ran = machine.run(&["alerts", "lint", "bad.yml", "--prometheus", &url, "--json"]).ended(1);
        assert_eq!(said(&ran.json()), [("NoneUp".to_owned(), "never-fires".to_owned())]);
        assert!(ran.err.contains(reason) && ran.err.contains(&url), "{}", ran.err);
    }
    let config = format!("[incidents]\nprometheus = \"http://{free}\"\n");
    std::fs::write(machine.path("config.toml"), config).unwrap();
    let configured = machine.run(&["--config", "config.toml", "alerts", "lint", "bad.yml"]).ended(1);
    assert!(configured.err.contains("it cannot be reached"), "{}", configured.err);
    let offline = machine.run(&["--config", "config.toml", "alerts", "lint", "bad.yml", "--offline"]).ended(1);
    assert_eq!(offline.err, "");
}

#[test]
fn a_real_prometheus_knows_what_reading_cannot() {
    let machine = Machine::new();
    let Some(prometheus) = Prometheus::of_itself(&machine) else {
        eprintln!("not tested: there is no prometheus here");
        return;
    };
    let cases = [
        ("rate(prometheus_http_request_total[1m]) > 1", "no-such-metric"),
        ("rate(prometheus_http_requests_total{status=\"200\"}[1m]) > 1", "no-such-label"),
        ("rate(prometheus_http_requests_total{handler=\"/nope\"}[1m]) > 1", "no-such-value"),
        ("prometheus_tsdb_head_series{job=\"prometheus\"} / prometheus_build_info > 100", "joins-nothing"),
        ("rate(prometheus_tsdb_head_series[1m]) > 1", "not-a-counter"),
        ("up * on (job) prometheus_http_requests_total > 1", "query-fails"),
    ];
    let good = [
        "up == 0",
        "sum(rate(prometheus_http_requests_total{code=~\"5..\"}[1m])) / sum(rate(prometheus_http_requests_total[1m])) > 0.05",
        "absent(up{job=\"nobody\"})",
        "prometheus_tsdb_head_series / on (instance) prometheus_tsdb_head_chunks > 10",
        "go_goroutines > 1000 and on (instance) up == 1",
    ];
    let expressions: Vec<_> = cases.iter().map(|(expr, _)| *expr).chain(good).collect();
    std::fs::write(machine.path("rules-to-check.yml"), rules(&expressions)).unwrap();
    let asked = ["alerts", "lint", "rules-to-check.yml", "--prometheus", &prometheus.url, "--json"];
    let found = machine.run(&asked).ended(1).json();
    let expected: Vec<_> =
        cases.iter().enumerate().map(|(number, (_, check))| (format!("R{number}"), (*check).to_owned())).collect();
    assert_eq!(said(&found), expected, "{found:#?}");
    assert!(found[0]["advice"].as_str().unwrap().contains("prometheus_http_requests_total"), "{}", found[0]);
}

/// Whether a checker of Debian's package is content; `None` where it is not installed.
fn checked(program: &str, arguments: &[&str]) -> Option<()> {
    let output = match Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output() {
        Err(_) => {
            eprintln!("not tested: there is no {program} here");
            return None;
        }
        Ok(output) => output,
    };
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&told));
    Some(())
}

#[test]
fn the_bundled_rules_and_configurations_are_sound_and_each_alert_fires() {
    let machine = Machine::new();
    let (alerts, prometheus, alertmanager) =
        (bundled("alerts.yml"), bundled("prometheus.yml"), bundled("alertmanager.yml"));
    let text = machine.run(&["alerts", "lint", &alerts]).ended(0).out;
    assert!(text.starts_with("nothing found in 16 alerts"), "{text}");
    checked("promtool", &["check", "rules", &alerts]);
    checked("promtool", &["check", "config", &prometheus]);
    checked("promtool", &["test", "rules", "tests/fixtures/monitoring/alerts_test.yml"]);
    checked("amtool", &["check-config", &alertmanager]);
    // Each of them is in the test of rules, firing and quiet.
    let (rules, tests) =
        (std::fs::read_to_string(&alerts).unwrap(), include_str!("../fixtures/monitoring/alerts_test.yml"));
    for name in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tests.contains(&format!("- alertname: {name}\n")), "nothing makes {name} fire");
    }
}

#[test]
fn the_bundled_runbooks_are_for_the_bundled_alerts() {
    let machine = Machine::new();
    let alerts = std::fs::read_to_string(bundled("alerts.yml")).unwrap();
    for (alert, runbook) in [
        ("NodeFilesystemAlmostFull", "disk-filling"),
        ("NodeMemoryLow", "memory-leak"),
        ("NodeCPUBusy", "runaway-process"),
        ("NodeUnitFailed", "service-down"),
        ("HighErrorRate", "error-rate-up"),
        ("DatabaseConnectionPoolExhausted", "connections-exhausted"),
    ] {
        assert!(alerts.contains(&format!("- alert: {alert}\n")), "{alert}");
        let hook = body("firing", "/var").replace("DiskFilling", alert);
        machine.run_with_input(&["ingest", "alertmanager", "-"], &hook).ended(0);
        let listed = machine.run(&["incidents", "--json"]).ended(0).json();
        let incident = listed.iter().find(|incident| incident["title"].as_str().unwrap().contains(alert));
        assert_eq!(incident.unwrap()["runbook"], runbook);
    }
}
