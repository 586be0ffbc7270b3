//! The bundled runbooks on real faults of this machine: a service that is down, a certificate that runs out, a bad
//! release, a database without connections left. Each is started by command line, its cards are approved, and the fault
//! is looked for afterwards. And checking runbooks: dry runs, lint, coverage.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chrono::Datelike;
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};

use crate::support::machine::Machine;
use crate::support::postgres::Cluster;

const PATIENCE: Duration = Duration::from_secs(30);

/// A machine with a service under a real supervisor.
pub struct Served {
    pub machine: Machine,
    supervisor: Child,
}

impl Served {
    /// `None` without runit, and says so.
    pub fn start(run: impl FnOnce(&Machine) -> String) -> Option<Self> {
        let machine = Machine::new();
        let services = machine.path("services");
        let machine = machine.with("SVDIR", &services);
        let service = services.join("web");
        fs::create_dir_all(&service).unwrap();
        let script = service.join("run");
        fs::write(&script, format!("#!/bin/sh\nexec 2>&1\n{}\n", run(&machine))).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let started = Command::new("runsv").arg(&service).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(supervisor) = started else {
            eprintln!("not tested: there is no `runsv`, of the package runit");
            return None;
        };
        let served = Self { machine, supervisor };
        served.until("its supervisor", |served| served.pid().is_some());
        Some(served)
    }

    fn supervise(&self, file: &str) -> PathBuf {
        self.machine.path("services/web/supervise").join(file)
    }

    fn pid(&self) -> Option<u32> {
        fs::read_to_string(self.supervise("pid")).ok()?.trim().parse().ok()
    }

    pub fn order(&self, order: &str) {
        fs::write(self.supervise("control"), order).unwrap();
    }

    pub fn is_up(&self) -> bool {
        fs::read_to_string(self.supervise("stat")).is_ok_and(|stat| stat.starts_with("run"))
    }

    pub fn until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is(self) {
            assert!(Instant::now() < end, "never came: {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // `x`: bring the service down and leave.
        let _ = fs::write(self.supervise("control"), "dx");
        let end = Instant::now() + Duration::from_secs(5);
        while matches!(self.supervisor.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.supervisor.kill();
        let _ = self.supervisor.wait();
    }
}

/// Starts a runbook and approves each card that comes; what was approved, and the run at its end.
pub fn run_and_approve(machine: &Machine, runbook: &str, labels: &[&str]) -> (Vec<String>, Value) {
    let mut arguments = vec!["run", "--runbook", runbook, "--until-waiting", "--json"];
    labels.iter().for_each(|label| arguments.extend(["--label", label]));
    machine.run(&arguments);
    let mut approved = Vec::new();
    while let [card] = &machine.run(&["approvals", "--json"]).ended(0).json()[..] {
        let text = |name: &str| card[name].as_str().unwrap();
        approved.push(format!("{} {}", text("verb"), card["targets"][0].as_str().unwrap()));
        machine.run(&["approve", text("id"), "--digest", text("digest"), "--until-waiting"]).ended(0);
        assert!(approved.len() < 9, "{approved:?}");
    }
    (approved, machine.run(&["runs", "--json"]).ended(0).json().remove(0))
}

#[test]
fn a_service_that_is_down_is_restarted_and_one_that_is_up_is_left_alone() {
    let Some(served) = Served::start(|_| "exec sleep 1000".to_owned()) else { return };
    served.order("d");
    served.until("the service down", |served| !served.is_up());
    let (approved, run) = run_and_approve(&served.machine, "service-down", &["service=web"]);
    assert_eq!((approved, &run["state"]), (vec!["restart web".to_owned()], &json!("succeeded")), "{run}");
    assert!(served.is_up());
    let pid = served.pid();
    let (approved, run) = run_and_approve(&served.machine, "service-down", &["service=web"]);
    assert_eq!((approved.len(), &run["state"]), (0, &json!("succeeded")), "{run}");
    assert_eq!(served.pid(), pid, "it was up for ten seconds already");
}

#[test]
fn a_release_that_crashes_is_taken_back_and_comes_again_where_the_one_before_crashes_too() {
    let Some(served) = Served::start(|machine| {
        let app = machine.path("app");
        for (release, script) in [("v1", "exec sleep 1000"), ("v2", "exit 1")] {
            let place = app.join("releases").join(release);
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("start"), script).unwrap();
            // A release is as old as its directory; two of the same moment have no order.
            std::thread::sleep(Duration::from_millis(20));
        }
        symlink("releases/v2", app.join("current")).unwrap();
        format!("exec sh {}/current/start", app.display())
    }) else {
        return;
    };
    let current = || fs::read_link(served.machine.path("app/current")).unwrap();
    let deployment = format!("deployment={}", served.machine.path("app").display());
    let (approved, run) = run_and_approve(&served.machine, "bad-deploy", &["service=web", &deployment]);
    assert_eq!((approved.len(), &run["state"]), (2, &json!("succeeded")), "{approved:?} {run}");
    assert_eq!(current(), PathBuf::from("releases/v1"));
    assert!(served.is_up());

    fs::write(served.machine.path("app/releases/v1/start"), "exit 1").unwrap();
    symlink("releases/v2", served.machine.path("app/next")).unwrap();
    fs::rename(served.machine.path("app/next"), served.machine.path("app/current")).unwrap();
    served.order("t");
    let (approved, run) = run_and_approve(&served.machine, "bad-deploy", &["service=web", &deployment]);
    assert_eq!((approved.len(), &run["state"]), (4, &json!("failed")), "{approved:?} {run}");
    assert_eq!(current(), PathBuf::from("releases/v2"), "it was not the release");
    let shown = served.machine.run(&["runs", "show", run["id"].as_str().unwrap()]).ended(0).out;
    assert!(shown.contains("step 2 was rolled back"), "{shown}");
}

/// A certificate for `localhost` in `place`, valid for so many days.
fn certificate(place: &std::path::Path, days: i64) {
    let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let end = chrono::Utc::now() + chrono::TimeDelta::days(days);
    parameters.not_after = rcgen::date_time_ymd(end.year(), end.month() as u8, end.day() as u8);
    let key = rcgen::KeyPair::generate().unwrap();
    let made = parameters.self_signed(&key).unwrap();
    fs::write(place.join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(place.join("cert.pem"), made.pem()).unwrap();
}

#[test]
fn a_certificate_that_was_renewed_on_disk_is_read_by_its_service() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let Some(served) = Served::start(|machine| {
        certificate(machine.home(), 2);
        let home = machine.home().display();
        // `openssl s_server` reads its files once; HUP ends it, and it is started anew.
        format!("exec openssl s_server -quiet -accept 127.0.0.1:{port} -cert {home}/cert.pem -key {home}/key.pem")
    }) else {
        return;
    };
    let file = format!("certificate={}", served.machine.path("cert.pem").display());
    let instance = format!("instance=https://127.0.0.1:{port}");
    let labels = ["service=web", &file, &instance];
    served.until("the server", |_| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    let (approved, run) = run_and_approve(&served.machine, "certificate-expiring", &labels);
    assert_eq!((approved.len(), &run["state"]), (0, &json!("failed")), "nothing newer is on disk: {run}");
    certificate(served.machine.home(), 90);
    let (approved, run) = run_and_approve(&served.machine, "certificate-expiring", &labels);
    assert_eq!((approved, &run["state"]), (vec!["reload web".to_owned()], &json!("succeeded")), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_connections_left_gets_those_back_that_do_nothing() {
    let cluster = Cluster::start_with(5432, |_| "max_connections = 12".to_owned());
    let url = cluster.url("postgres", "postgres");
    let mut idle = Vec::new();
    for _ in 0..9 {
        let mut connection = PgConnection::connect(&url.replacen("@/", "@localhost/", 1)).await.unwrap();
        connection.execute("BEGIN").await.unwrap();
        connection.execute("SELECT 1").await.unwrap();
        idle.push(connection);
    }
    let machine = Machine::new().with("DATABASE", &url);
    let directory = machine.path(".config/morningai/procedures");
    fs::create_dir_all(&directory).unwrap();
    fs::write(machine.path(".config/morningai/config.toml"), "[secrets]\ndatabase = { env = \"DATABASE\" }\n").unwrap();
    let bundled = include_str!("../../assets/procedures/connections-exhausted.md");
    let quick = bundled.replace("idle_for = \"5m\"", "idle_for = \"1s\"");
    fs::write(directory.join("connections-exhausted.md"), quick).unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let (approved, run) =
        tokio::task::spawn_blocking(move || run_and_approve(&machine, "connections-exhausted", &[])).await.unwrap();
    assert_eq!((approved, &run["state"]), (vec!["stop database".to_owned()], &json!("succeeded")), "{run}");
    for mut connection in idle {
        assert!(connection.execute("SELECT 1").await.is_err(), "it was ended");
    }
}

#[test]
fn more_errors_than_usual_are_shown_and_a_person_chooses_what_to_do() {
    let Some(served) = Served::start(|_| "exec sleep 1000".to_owned()) else { return };
    let pid = served.pid();
    let machine = &served.machine;
    let start = ["run", "--runbook", "error-rate-up", "--label", "service=web", "--until-waiting", "--json"];
    machine.run(&start).ended(4);
    let question = machine.run(&["approvals", "--json"]).ended(0).json().remove(0);
    let id = question["id"].as_str().unwrap();
    let wrong = machine.run(&["answer", id, "restart it", "--until-waiting"]);
    assert!(wrong.code != 0 && wrong.err.contains("restart the service; go back"), "{}", wrong.err);
    machine.run(&["answer", id, "Restart the service", "--until-waiting"]).ended(0);
    let card = machine.run(&["approvals", "--json"]).ended(0).json().remove(0);
    assert_eq!((&card["verb"], &card["targets"][0]), (&json!("restart"), &json!("web")));
    let (id, digest) = (card["id"].as_str().unwrap(), card["digest"].as_str().unwrap());
    machine.run(&["approve", id, "--digest", digest, "--until-waiting"]).ended(0);
    assert_ne!(served.pid(), pid);
    let run = machine.run(&["runs", "--json"]).ended(0).json().remove(0);
    let shown = machine.run(&["runs", "show", run["id"].as_str().unwrap()]).ended(0).out;
    assert!(shown.contains("step 6 was skipped; step 7 was skipped"), "{shown}");
}

#[test]
fn a_dry_run_says_what_would_wait_for_a_person_and_runs_nothing() {
    let machine = Machine::new();
    fs::create_dir_all(machine.path("fills")).unwrap();
    let label = format!("directory={}", machine.path("fills").display());
    let told = machine.run(&["run", "--runbook", "disk-filling", "--dry-run", "--label", &label, "--json"]).ended(0);
    let calls = told.json();
    let outcomes: Vec<_> = calls.iter().map(|call| call["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["runs", "unknown", "runs"], "{calls:?}");
    machine.run(&["run", "--runbook", "disk-filling", "--dry-run"]).ended(0);
    assert_eq!(machine.run(&["runs", "--json"]).ended(0).json().len(), 0);
    machine.run(&["run", "--runbook", "disk-filling", "--label", "no equals sign"]).ended(2);
    machine.run(&["run", "a goal", "--dry-run"]).ended(2);
}

#[test]
fn the_bundled_runbooks_are_sound_and_a_faulty_one_is_told_with_its_line() {
    let machine = Machine::new();
    machine.run(&["runbooks", "lint"]).ended(0);
    let listed = machine.run(&["runbooks", "--json"]).ended(0).json();
    assert!(listed.len() >= 8 && listed.iter().all(|runbook| runbook["matches"]["alertname"].is_array()), "{listed:?}");
    let head = "---\nname: bad\ndescription: d\nmatch:\n  alertname: X\n---\n";
    for (body, fault) in [
        (
            "## Go\n\n```sh\nrm -r $LABEL_directory\n```\n",
            "bad.md:10:7: $LABEL_directory is not a whole word in double quotes",
        ),
        ("## Go\n\n```tool host_check\nwhat = \"dsks\"\n```\n", "bad.md:9:1: host_check"),
        ("## Go\n\n```tool stop_process\nwhich = \"busiest\"\n```\n", "nothing verifies that it helped"),
    ] {
        fs::write(machine.path("bad.md"), format!("{head}{body}")).unwrap();
        let linted = machine.run(&["runbooks", "lint", "./bad.md", "--json"]).ended(1).json();
        let told = linted[0]["fault"].as_str().unwrap();
        assert!(told.contains(fault), "{told}");
        machine.run(&["runbooks", "lint", "./bad.md"]).ended(1);
    }
    machine.run(&["runbooks", "lint", "nope"]).ended(2);
}

#[test]
fn alerts_without_a_runbook_are_listed() {
    let machine = Machine::new();
    let alert =
        |name: &str| json!({ "status": "firing", "labels": { "alertname": name }, "startsAt": "2026-11-24T03:00:00Z" });
    for name in ["DiskFilling", "Strange"] {
        let body = json!({
            "version": "4", "groupKey": format!("{{}}:{{alertname=\"{name}\"}}"), "status": "firing",
            "groupLabels": { "alertname": name }, "commonLabels": { "alertname": name }, "alerts": [alert(name)],
        });
        fs::write(machine.path("alerts.json"), body.to_string()).unwrap();
        machine.run(&["ingest", "alertmanager", "alerts.json"]).ended(0);
    }
    let covered = machine.run(&["runbooks", "coverage", "--json"]).ended(0).json();
    let pairs: Vec<_> = covered.iter().map(|one| (one["alert"].as_str().unwrap(), one["runbook"].as_str())).collect();
    assert!(pairs.contains(&("DiskFilling", Some("disk-filling"))) && pairs.contains(&("Strange", None)), "{pairs:?}");
    let told = machine.run(&["runbooks", "coverage"]).ended(0).out;
    assert!(told.contains("1 of 2 alerts have no runbook"), "{told}");
}
