//! The store of the served program, looked after over HTTP: the same as from the command line, and nothing that names
//! a file of the server.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use super::post::{Http, reqwest_client};
use crate::store_tamper::raw_sql;
use crate::story_attach::Served;
use crate::support::machine::{Machine, Ran};
use crate::support::postgres::{Database, OWNER, PROGRAM};
use crate::upkeep::store::{open, store_of};

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const SERVE: [&str; 4] = ["serve", "--json", "--listen", "127.0.0.1:0"];
const ALL: [&str; 6] = ["store.read", "store.backup", "store.prune", "store.erase", "log.export", "runs.read"];

/// A machine on which accounts are kept, and one run ended.
struct Site {
    machine: Machine,
    key: &'static str,
}

impl Site {
    fn new(machine: Machine, key: &'static str) -> Self {
        let site = Self { machine, key };
        site.run(&["accounts", "add", "root", "--role", "owner", "--no-password"]).ended(0);
        site.run_of("ana-canary");
        site
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.machine.command(arguments);
        command.env("MORNINGAI_STORE_KEY", self.key).env("MORNINGAI_USER", "root");
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// A run of somebody's to its end; its id.
    fn run_of(&self, who: &str) -> String {
        self.run(&["--as", who, "run", "--runbook", "check-this-machine", "--until-waiting"]).ended(4);
        let waiting = self.run(&["approvals", "--json"]).ended(0).json().remove(0);
        self.run(&[
            "--as",
            who,
            "deny",
            waiting["id"].as_str().unwrap(),
            "--reason",
            "a secret reason",
            "--until-waiting",
        ])
        .ended(0);
        waiting["run"].as_str().unwrap().to_owned()
    }

    fn serve(&self) -> Served {
        let mut command = self.command(&SERVE);
        command.stderr(std::process::Stdio::inherit());
        Served::start_by(command)
    }

    /// Somebody of that name, with a token for all that the store's upkeep takes as far as their role may do it.
    fn caller(&self, served: &Served, name: &str, role: &str, scopes: &[&str]) -> Http {
        if name != "root" {
            self.run(&["accounts", "add", name, "--role", role, "--no-password"]).ended(0);
        }
        let mut arguments = vec!["tokens", "issue", name, "--label", "test", "--json"];
        scopes.iter().for_each(|scope| arguments.extend(["--scope", *scope]));
        let token = self.run(&arguments).ended(0).json()[0]["secret"].as_str().unwrap().to_owned();
        Http { base: served.url.clone(), client: reqwest_client(), token: Some(token) }
    }

    /// Names in the directory of backups, hidden ones too.
    fn in_backups(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.machine.path("data/backups")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// A problem of that status that tells no place of the server's machine.
fn problem(site: &Site, (status, answer): (u16, Value), expected: u16, said: &str) {
    assert_eq!(status, expected, "{answer}");
    assert!(answer["detail"].as_str().unwrap().contains(said), "{said:?}: {answer}");
    assert!(!answer["hint"].as_str().unwrap().is_empty(), "{answer}");
    for secret in [site.machine.home().to_str().unwrap(), "hunter2"] {
        assert!(!answer.to_string().contains(secret), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_described_checked_backed_up_and_pruned_as_by_the_command_line() {
    let site = Site::new(Machine::new(), "");
    let served = site.serve();
    let http = site.caller(&served, "root", "owner", &ALL);

    let (status, checked) = http.get("/v1/db/check").await;
    assert_eq!((status, &checked), (200, &json!({ "agrees": true, "rows": [] })));
    let (status, backup) = http.post("/v1/db/backup", json!({})).await;
    assert_eq!(status, 201, "{backup}");
    let name = backup["backup"].as_str().unwrap();
    assert!(name.starts_with("local-20") && name.ends_with("Z.db"), "{name}");
    let file = site.machine.path("data/backups").join(name);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(site.in_backups(), [name]);
    assert_eq!(backup["bytes"], std::fs::metadata(&file).unwrap().len());
    let sound = site.run(&["--json", "db", "restore", file.to_str().unwrap(), "--verify"]).ended(0).json();
    assert_eq!(sound[0]["head"], backup["head"]);

    let (_, shown) = http.get("/v1/db").await;
    assert_eq!((&shown["kind"], &shown["version"], &shown["tenant"]), (&json!("sqlite"), &json!(6), &json!("local")));
    assert_eq!(shown["store"], store_of(&site.machine).to_str().unwrap());
    assert_eq!((&shown["encrypted_under"], &shown["backups"][0]["backup"]), (&Value::Null, &json!(name)));
    assert!(shown["bytes"].as_u64().unwrap() > 10_000, "{shown}");

    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let (status, tried) = http.post("/v1/db/prune", json!({ "before": now, "trial": true })).await;
    let by_command = site.run(&["--json", "db", "prune", "--before", &now, "--dry-run"]).ended(0).json().remove(0);
    assert_eq!((status, &tried), (200, &by_command));
    assert_eq!((&tried["runs"], &tried["trial"]), (&json!(1), &json!(true)));
    let (status, pruned) = http.post("/v1/db/prune", json!({ "before": now })).await;
    assert_eq!((status, &pruned["runs"], &pruned["events"]), (200, &tried["runs"], &tried["events"]), "{pruned}");
    assert!(!site.run(&["log", "export"]).ended(0).out.contains("a secret reason"));
    let audit = site.run(&["audit"]).ended(0).out;
    assert!(audit.lines().any(|line| line.contains("access.log_pruned") && line.contains("person:root")), "{audit}");
    site.run(&["log", "verify"]).ended(0);
    // Once more there is nothing to do, and the server works on.
    assert_eq!(http.post("/v1/db/prune", json!({ "before": now })).await.1["runs"], 0);
    assert_eq!(http.get("/v1/runs").await.1["runs"], json!([]));
    site.run_of("bo");
    assert_eq!(http.get("/v1/db/check").await.1["agrees"], true);

    // What somebody changed in the file is found, and computed again.
    raw_sql(&store_of(&site.machine), "UPDATE projection SET is_open = NOT is_open").await;
    let (_, checked) = http.get("/v1/db/check").await;
    assert_eq!(checked["agrees"], false, "{checked}");
    let (status, rebuilt) = http.post("/v1/db/rebuild", json!({})).await;
    assert!(status == 200 && rebuilt["rows"].as_u64() >= Some(2), "{status} {rebuilt}");
    assert_eq!(http.get("/v1/db/check").await.1["agrees"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_or_is_not_theirs_is_refused_in_words_and_nothing_is_done() {
    let site = Site::new(Machine::new(), "");
    let served = site.serve();
    let http = site.caller(&served, "root", "owner", &ALL);
    for (body, status, said) in [
        (json!({ "before": "2999-01-01" }), 422, "`before`: this is in the future"),
        (json!({ "before": "tomorrow" }), 422, "`before`: this is neither an age nor a date"),
        (json!({}), 422, "no retention period is set"),
        (json!({ "before": "1d", "dry_run": true }), 422, "unknown field `dry_run`"),
        (json!({ "before": 7 }), 422, "invalid type"),
    ] {
        problem(&site, http.post("/v1/db/prune", body).await, status, said);
    }
    problem(&site, http.post("/v1/db/backup", json!({ "file": "/etc/x" })).await, 422, "unknown field `file`");
    problem(&site, http.get("/v1/subjects/nobody/export").await, 404, "the log holds nothing of \"nobody\"");
    let erase = http.post("/v1/subjects/ana-canary/erase", json!({ "confirm": "ana-canary" })).await;
    problem(&site, erase, 422, "this store is not encrypted");

    let admin = site.caller(&served, "ad", "admin", &["store.read", "log.export"]);
    assert_eq!(admin.get("/v1/db").await.0, 200);
    problem(&site, admin.post("/v1/db/backup", json!({})).await, 403, "admin may not take backups");
    problem(&site, admin.post("/v1/db/prune", json!({ "before": "0s" })).await, 403, "admin may not remove runs");
    let erase = admin.post("/v1/subjects/bo/erase", json!({ "confirm": "bo" })).await;
    problem(&site, erase, 403, "admin may not erase");
    let reader = site.caller(&served, "re", "owner", &["runs.read"]);
    problem(&site, reader.get("/v1/db").await, 403, "this token is not for store.read");
    assert!(!site.machine.path("data/backups").exists());
    assert_eq!(site.run(&["runs", "--json"]).ended(0).json().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_a_backup_is_refused_and_nothing_of_it_stays() {
    let site = Site::new(Machine::new(), "");
    let log = open(&store_of(&site.machine), "local").await;
    for seed in 0..8u8 {
        let content: Vec<u8> =
            (0..256 * 1024u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8 ^ seed).collect();
        morningai::ports::Log::put_blob(&log, &content).await.unwrap();
    }
    log.close().await.unwrap();
    // Blocks of 512 bytes: the store is there already, and no file grows beyond half of it. The signal that comes with
    // the refusal is ignored, as it would otherwise end the process.
    let command = site.command(&SERVE);
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -S -f 2048; exec \"$@\"", "sh"]);
    limited.arg(command.get_program()).args(command.get_args()).current_dir(site.machine.home());
    limited.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let served = Served::start_by(limited);
    let http = site.caller(&served, "root", "owner", &ALL);
    problem(&site, http.post("/v1/db/backup", json!({})).await, 507, "there is no room for a backup");
    assert_eq!(site.in_backups(), Vec::<String>::new());
    assert_eq!(http.get("/v1/db").await.1["backups"], json!([]));
    // It is no reason to stop.
    assert_eq!(http.get("/readyz").await.0, 200);
    assert_eq!(http.get("/v1/db/check").await.1["agrees"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_exported_and_erased_once_the_name_is_repeated() {
    let site = Site::new(Machine::new(), KEY);
    let run = site.run_of("bo");
    let served = site.serve();
    let http = site.caller(&served, "root", "owner", &ALL);
    let (status, exported) = http.get("/v1/subjects/bo/export").await;
    assert_eq!((status, exported.as_str().unwrap()), (200, &*site.run(&["subject", "export", "bo"]).ended(0).out));
    assert!(exported.as_str().unwrap().contains("a secret reason"));
    assert_eq!(http.get(&format!("/v1/runs/{run}")).await.0, 200);

    let path = "/v1/subjects/bo/erase";
    problem(&site, http.post(path, json!({})).await, 422, "nothing was erased");
    problem(&site, http.post(path, json!({ "confirm": "Bo" })).await, 422, "`confirm` is not the name");
    let nobody = http.post("/v1/subjects/nobody/erase", json!({ "confirm": "nobody" })).await;
    problem(&site, nobody, 404, "the log holds nothing of \"nobody\"");
    let oneself = http.post("/v1/subjects/root/erase", json!({ "confirm": "root" })).await;
    problem(&site, oneself, 403, "root is the last owner");

    let (status, erased) = http.post(path, json!({ "confirm": "bo" })).await;
    assert_eq!((status, &erased["rows"]), (200, &json!(2)), "{erased}");
    let pseudonym = erased["pseudonym"].as_str().unwrap();
    assert!(pseudonym.starts_with("erased-"), "{erased}");
    let audit = site.run(&["audit"]).ended(0).out;
    assert!(audit.lines().any(|line| line.contains(pseudonym) && line.contains("person:root")), "{audit}");
    problem(&site, http.get("/v1/subjects/bo/export").await, 404, "holds nothing");
    // Nor does the server tell what it remembers, once it heard of it.
    http.get_until(&format!("/v1/runs/{run}"), 404).await;
    assert_eq!(http.get("/v1/subjects/ana-canary/export").await.0, 200);
    let verified = site.run(&["--json", "log", "verify"]).ended(0).json();
    assert_eq!(verified[0]["intact"], true);
    assert_eq!(http.get("/v1/db/check").await.1["agrees"], true);
    let (_, shown) = http.get("/v1/db").await;
    assert!(!shown["encrypted_under"].as_str().unwrap().is_empty());
    let (_, backup) = http.post("/v1/db/backup", json!({})).await;
    assert_eq!(backup["head"], http.get("/v1/db").await.1["head"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_backup_is_the_tenants_and_pruning_takes_the_owner_of_the_schema() {
    let database = Database::migrated().await;
    // Nobody asks for this password, and nobody is told it.
    let with_password = |role: &str| database.url(role).replace(&format!("{role}@"), &format!("{role}:hunter2@"));
    let site = Site::new(Machine::new().with_store(&with_password(PROGRAM)), "");
    let served = site.serve();
    let http = site.caller(&served, "root", "owner", &ALL);
    let (_, shown) = http.get("/v1/db").await;
    assert_eq!((&shown["kind"], &shown["bytes"]), (&json!("postgres"), &Value::Null));
    assert!(shown["version"].as_u64() >= Some(5), "{shown}");
    assert!(shown["store"].as_str().unwrap().ends_with(&database.name) && !shown.to_string().contains("hunter2"));
    let (status, backup) = http.post("/v1/db/backup", json!({})).await;
    assert_eq!(status, 201, "{backup}");
    let file = site.machine.path("data/backups").join(backup["backup"].as_str().unwrap());
    assert_eq!(site.in_backups().len(), 1, "the scratch is gone");
    let sound = site.run(&["--json", "db", "restore", file.to_str().unwrap(), "--verify"]).ended(0).json();
    assert_eq!(sound[0]["head"], backup["head"]);
    assert_eq!(http.get("/v1/db/check").await.1["agrees"], true);
    problem(&site, http.post("/v1/db/prune", json!({ "before": "0s" })).await, 503, "may add events to the store");
    drop(served);

    let owner = Site { machine: Machine::new().with_store(&with_password(OWNER)), key: "" };
    let served = owner.serve();
    let http = owner.caller(&served, "root", "owner", &ALL);
    let (status, pruned) = http.post("/v1/db/prune", json!({ "before": "0s" })).await;
    assert_eq!((status, &pruned["runs"]), (200, &json!(1)), "{pruned}");
    owner.run(&["log", "verify"]).ended(0);
}
