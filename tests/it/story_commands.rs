//! The whole story by command line: the real program, a model at the wire, a real repository, scripts only.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::machine::{Machine, Ran};
use crate::support::scripted_model::{ScriptedModel, story};

/// The latest a decision of one process may be acted on in another.
const ACTED_ON: Duration = Duration::from_millis(250);
/// How long a test waits for something that must happen before it fails.
const PATIENCE: Duration = Duration::from_secs(40);

struct Story {
    machine: Machine,
    repository: String,
    _model: ScriptedModel,
}

impl Story {
    fn new() -> Self {
        let model = ScriptedModel::start(story::fix_the_failing_test());
        let machine = Machine::new().with_model(&model.base_url());
        let repository = story::repository(machine.home()).unwrap().display().to_string();
        Self { machine, repository, _model: model }
    }

    /// Runs the agent up to the push, which waits for a person; the run's last object and the request.
    fn up_to_the_push(&self) -> (Value, Value) {
        let arguments =
            ["run", "make the failing test pass", "--workspace", &self.repository, "--until-waiting", "--json"];
        let printed = self.machine.run(&arguments).ended(4).json();
        let run = printed.last().unwrap().clone();
        let waiting = self.machine.run(&["approvals", "--json"]).ended(0).json();
        assert_eq!(waiting.len(), 1, "{waiting:?}");
        (run, waiting[0].clone())
    }

    fn branches_pushed(&self) -> Vec<String> {
        let origin = self.machine.path("origin.git");
        let listed = Command::new("git").args(["branch", "--format=%(refname:short)"]).current_dir(origin).output();
        String::from_utf8(listed.unwrap().stdout).unwrap().lines().map(str::to_owned).collect()
    }

    fn run_is(&self, state: &str) -> bool {
        let runs = self.machine.run(&["runs", "--json"]).ended(0).json();
        runs.len() == 1 && runs[0]["state"] == json!(state)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn an_approved_push_is_made_and_the_run_succeeds() {
    let story = Story::new();
    let (run, approval) = story.up_to_the_push();
    assert_eq!((text(&run["state"]), text(&run["agent"])), ("waiting", "dev"));
    assert_eq!((text(&approval["verb"]), text(&approval["state"])), ("push", "pending"));
    assert_eq!(story.branches_pushed(), ["main"], "nothing leaves before a person decides");
    assert_eq!(text(&approval["run"]), text(&run["id"]));

    let (id, digest) = (text(&approval["id"]), text(&approval["digest"]));
    let wrong = story.machine.run(&["approve", id, "--digest", "00000000"]).ended(3);
    assert!(wrong.err.contains(&digest[..12]), "{}", wrong.err);
    let card = story.machine.run(&["approvals", "show", id]).ended(0);
    assert!(card.out.contains("origin.git") && card.out.contains(&digest[..12]), "{}", card.out);
    story.machine.run(&["approve", id, "--digest", &digest[..8], "--until-waiting"]).ended(0);

    let pushed = story.branches_pushed();
    assert!(pushed.iter().any(|branch| branch.starts_with("morningai/make-the-failing-test-pass")), "{pushed:?}");
    assert!(story.run_is("succeeded"));
    let again = story.machine.run(&["deny", id]).ended(1);
    assert!(again.err.contains("approved"), "a loser is told who won: {}", again.err);
    let decided = &story.machine.run(&["approvals", "--all", "--json"]).ended(0).json()[0];
    assert_eq!((text(&decided["state"]), text(&decided["decided_by"])), ("approved", "ana"));
    costs_are_told(&story, text(&run["id"]));
    story.machine.run(&["log", "verify"]).ended(0);
}

#[test]
fn a_budget_pauses_the_run_before_its_next_call_and_resuming_raises_it_once() {
    let story = Story::new();
    let (machine, dir) = (&story.machine, story.machine.path(".config/morningai"));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("config.toml"), "prices = \"prices.toml\"\n[budgets]\nday = \"0.001\"\n").unwrap();
    std::fs::write(dir.join("prices.toml"), "[[price]]\nmodel = \"*\"\ninput = \"100\"\noutput = \"100\"\n").unwrap();
    let goal = ["run", "make the failing test pass", "--workspace", &story.repository, "--until-waiting", "--json"];
    let run = machine.run(&goal).ended(4).json().pop().unwrap();
    assert_eq!(text(&run["state"]), "paused");
    let shown = machine.run(&["runs", "show", text(&run["id"])]).ended(0).out;
    assert!(shown.contains("budget of $0.00100 for today is used up"), "{shown}");
    let calls = || machine.run(&["usage", "--json"]).ended(0).json()[0]["today"]["calls"].as_u64().unwrap();
    assert_eq!(calls(), 1, "the call after the one that used it up was not made");
    let second = machine.run(&goal).ended(4).json().pop().unwrap();
    assert_eq!((text(&second["state"]), calls()), ("paused", 1), "a new run makes no call at all");
    let doctor = machine.run(&["doctor", "--offline"]).out;
    assert!(doctor.contains("$0.00100 for today; agents pause once it is used up"), "{doctor}");
    let cards = machine.run(&["approvals", "--json"]).ended(0).json();
    let card_of =
        |run: &Value| cards.iter().find(|card| card["run"] == run["id"]).map(|card| text(&card["id"])).unwrap();
    assert_eq!(cards.len(), 2, "one of each run");
    machine.run(&["answer", card_of(&second), "perhaps"]).ended(2);
    machine.run(&["answer", card_of(&second), "stop"]).ended(0);
    let stopped = machine.run(&["runs", "show", text(&second["id"]), "--json"]).ended(0).json().pop().unwrap();
    assert_eq!(text(&stopped["state"]), "cancelled");
    machine.run(&["resume", text(&run["id"]), "--until-waiting"]).ended(4);
    let withdrawn = machine.run(&["approvals", "show", card_of(&run), "--json"]).ended(0).json().pop().unwrap();
    assert_eq!(text(&withdrawn["state"]), "withdrawn");
    let resumed = machine.run(&["runs", "show", text(&run["id"]), "--json"]).ended(0).json().pop().unwrap();
    assert_eq!(text(&resumed["state"]), "waiting", "it came to its push: {resumed}");
}

/// Each side of the usage adds up to the same, which is what the runs cost.
fn costs_are_told(story: &Story, run: &str) {
    for (by, name) in [("agent", "dev"), ("person", "ana"), ("run", run)] {
        let lines = story.machine.run(&["usage", "--by", by, "--json"]).ended(0).json();
        let [totals, row] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!((text(&totals["kind"]), text(&row["kind"]), text(&row["name"])), ("totals", "row", name));
        let (today, rate) = (&totals["today"], |sums: &Value| (sums["calls"].clone(), sums["cost_usd"].clone()));
        assert!(today["calls"].as_u64() > Some(2), "{totals}");
        assert_eq!(rate(today), rate(row), "{by}");
        assert_eq!(rate(today), rate(&totals["month"]));
    }
    let csv = story.machine.run(&["usage", "--by", "day", "--since", "2d", "--csv"]).ended(0);
    let lines: Vec<_> = csv.out.split("\r\n").filter(|line| !line.is_empty()).collect();
    assert!(lines.len() == 2 && lines[0].starts_with("day,goal,calls,tokens"), "{}", csv.out);
    let shown = story.machine.run(&["usage"]).ended(0);
    assert!(shown.out.contains("this month") && shown.out.contains("AGENT"), "{}", shown.out);
    let wrong = story.machine.run(&["usage", "--since", "soon"]).ended(2);
    assert!(wrong.err.contains("neither an age nor a date"), "{}", wrong.err);
    story.machine.run(&["usage", "--by", "weather"]).ended(2);
}

#[test]
fn a_push_dies_with_its_process_and_is_made_once_afterwards() {
    let story = Story::new();
    let (run, approval) = story.up_to_the_push();
    let (begun, lock) = (story.machine.path("begun"), story.machine.path("lock"));
    let hook = story.machine.path("origin.git/hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let script = format!("exec 9>'{}'; flock 9; touch '{}'; sleep 600", lock.display(), begun.display());
    std::fs::write(&hook, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();

    let (id, digest) = (text(&approval["id"]), text(&approval["digest"]));
    let mut killed = story.machine.command(&["approve", id, "--digest", digest, "--until-waiting"]).spawn().unwrap();
    wait_until("the push is under way", || begun.exists());
    killed.kill().unwrap();
    killed.wait().unwrap();
    let lock = std::fs::File::open(lock).unwrap();
    wait_until("nothing of the push lives", || lock.try_lock().is_ok());
    assert_eq!(story.branches_pushed(), ["main"]);

    std::fs::remove_file(hook).unwrap();
    story.machine.run(&["resume", text(&run["id"]), "--follow"]).ended(0);
    assert_eq!(story.branches_pushed().len(), 2);
    let log = story.machine.run(&["log", "export"]).ended(0);
    assert!(!log.out.contains("reported as failed"), "it was made once, and nothing stood in its way");
}

#[test]
fn a_push_that_a_person_changed_is_made_as_it_was_changed() {
    let story = Story::new();
    let (run, approval) = story.up_to_the_push();
    let (id, digest) = (text(&approval["id"]), text(&approval["digest"]));
    let edit = |arguments: &str, digest: &str| {
        story.machine.run(&["edit", id, "--digest", digest, "--arguments", arguments, "--until-waiting", "--json"])
    };
    for (code, arguments, digest, says) in [
        (2, "{\"branch\": main}", digest, "line 1 column 12"),
        (2, "{\"brunch\": \"main\"}", digest, "did you mean \"branch\"?"),
        (2, "{\"branch\": 7}", digest, "\"branch\" must be a string"),
        (2, "@/no/such/file", digest, "/no/such/file"),
        (2, "{}", digest, "nothing was changed"),
        (3, "{\"branch\": \"for-ana\"}", "00000000", "digest"),
    ] {
        let ran = edit(arguments, digest).ended(code);
        assert!(ran.err.contains(says), "{arguments}: {}", ran.err);
        assert_eq!(ran.out, "", "{arguments}");
    }
    let asked = edit("{\"branch\": \"for-ana\"}", digest).ended(0).json();
    assert_eq!((asked.len(), text(&asked[0]["state"])), (1, "pending"), "{asked:?}");
    let (new_id, new_digest) = (text(&asked[0]["id"]), text(&asked[0]["digest"]));
    assert!(new_id != id && new_digest != digest && asked[0]["run"] == run["id"]);
    assert_eq!(story.branches_pushed(), ["main"], "a change pushes nothing");
    let card = story.machine.run(&["approvals", "show", new_id]).ended(0);
    assert!(card.out.contains("changed by ana") && card.out.contains("for-ana"), "{}", card.out);
    let edited = story.machine.run(&["approvals", "--state", "edited", "--json"]).ended(0).json();
    assert_eq!((edited.len(), text(&edited[0]["id"])), (1, id));
    let late = story.machine.run(&["approve", id, "--digest", digest]).ended(1);
    assert!(late.err.contains("edited"), "{}", late.err);
    story.machine.run(&["approve", new_id, "--digest", new_digest, "--until-waiting"]).ended(0);
    assert_eq!(story.branches_pushed(), ["for-ana", "main"]);
    assert!(story.run_is("succeeded"));
    let shown = &story.machine.run(&["runs", "show", text(&run["id"]), "--json"]).ended(0).json()[0];
    let push = shown["calls"].as_array().unwrap().iter().find(|call| call["tool"] == "git_push").unwrap();
    assert_eq!(push["args"], json!({ "branch": "for-ana" }));
    story.machine.run(&["log", "verify"]).ended(0);
}

#[test]
fn a_denied_push_leads_the_agent_another_way() {
    let story = Story::new();
    let (_, approval) = story.up_to_the_push();
    story
        .machine
        .run(&["deny", text(&approval["id"]), "--reason", "not before the release", "--until-waiting"])
        .ended(0);
    assert_eq!(story.branches_pushed(), ["main"]);
    assert!(story.run_is("succeeded"));
    let log = story.machine.run(&["log", "export"]).ended(0);
    assert!(log.out.contains("not before the release") && log.out.contains("HANDOVER.md"));
}

#[test]
fn a_run_is_recorded_and_replayed_as_text() {
    let story = Story::new();
    let (run, approval) = story.up_to_the_push();
    story.machine.run(&["cancel", text(&run["id"]), "--reason", "enough"]).ended(0);
    assert!(story.run_is("cancelled"));
    let withdrawn = &story.machine.run(&["approvals", "--all", "--json"]).ended(0).json()[0];
    assert_eq!((&withdrawn["id"], text(&withdrawn["state"])), (&approval["id"], "withdrawn"));

    let file = story.machine.path("session.ndjson");
    let file = file.to_str().unwrap();
    story.machine.run(&["record", text(&run["id"]), "-o", file]).ended(0);
    let data = story.machine.path("data");
    std::fs::rename(&data, story.machine.path("elsewhere")).unwrap();
    let replayed = replay_to_its_end(&story.machine, file);
    assert!(replayed.contains("approval.requested") && replayed.contains("run.cancelled"), "{replayed}");
    assert!(!data.join("morningai.db").exists(), "a demo touches no state");
}

/// What the text console prints of a recording, played to its end; where it waits for a decision it plays on.
fn replay_to_its_end(machine: &Machine, file: &str) -> String {
    let mut command = machine.command(&["demo", file, "--plain", "--speed", "100"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines = lines_of(child.stdout.take().unwrap());
    let mut printed = String::new();
    while let Ok(line) = lines.recv_timeout(PATIENCE) {
        printed.extend([line.as_str(), "\n"]);
        if line.starts_with("The replay waits here") {
            input.write_all(b"play\n").unwrap();
        }
        if line.starts_with("The replay is over") {
            drop(input);
            assert!(child.wait().unwrap().success());
            return printed;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("the replay does not end:\n{printed}");
}

/// Lines as they come, so that waiting for one can be given up.
fn lines_of(output: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (told, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if told.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

#[test]
fn the_text_console_starts_a_procedure_and_approves_by_digest() {
    let machine = Machine::new();
    let asked = machine.run(&["run", "--runbook", "check-this-machine", "--until-waiting", "--json"]).ended(4);
    assert_eq!(asked.json().last().unwrap()["state"], json!("waiting"));
    let approval = &machine.run(&["approvals", "--json"]).json()[0];
    let (id, digest) = (text(&approval["id"]), text(&approval["digest"]));
    let typed = format!("approve {id} {digest}\nshow {}\n", text(&approval["run"]));
    let talked = machine.run_with_input(&["--plain"], &typed).ended(0);
    assert!(talked.out.contains("No model is set") || talked.out.contains("no model is set"), "{}", talked.out);
    assert!(talked.out.contains("Done, and saved."), "{}", talked.out);
    assert!(!talked.out.contains('\u{1b}'), "no cursor is moved and nothing coloured");
    machine.run(&["resume", text(&approval["run"]), "--follow"]);
    assert_eq!(machine.run(&["runs", "--json"]).json()[0]["state"], json!("succeeded"));
}

#[test]
fn a_decision_in_one_process_is_acted_on_by_another_within_a_quarter_of_a_second() {
    let story = Story::new();
    let (run, approval) = story.up_to_the_push();
    // The text console is a process that works on runs; its input stays open.
    let mut worker = story.machine.command(&["--plain"]).stdin(Stdio::piped()).spawn().unwrap();
    let lines = lines_of(worker.stdout.take().unwrap());
    while !lines.recv_timeout(PATIENCE).expect("the other process prints the card").starts_with("To decide:") {}
    let (id, digest) = (text(&approval["id"]), text(&approval["digest"]));
    story.machine.run(&["approve", id, "--digest", digest, "--detach"]).ended(0);
    wait_until("the run went on in the other process", || story.run_is("succeeded"));
    drop(worker.stdin.take());
    worker.wait().unwrap();

    let events = story.machine.run(&["log", "export"]).ended(0).json();
    let at = |kind: &str, from: usize| {
        let found = events.iter().skip(from).position(|event| event["event"]["type"] == json!(kind)).unwrap() + from;
        let at = chrono::DateTime::parse_from_rfc3339(text(&events[found]["at"])).unwrap();
        (found, at)
    };
    let (decided, decided_at) = at("approval.approved", 0);
    let (_, started_at) = at("run.effect_started", decided);
    let took = (started_at - decided_at).to_std().unwrap();
    assert!(took <= ACTED_ON, "acted on after {took:?} in run {}", run["id"]);
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn every_mistake_has_its_exit_code_and_says_what_next() {
    let story = Story::new();
    let workspace = story.repository.as_str();
    let nowhere = story.machine.path("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    let plain_directory = story.machine.home().to_str().unwrap();
    for (code, arguments, says) in [
        (2, &["run", "x", "--agent", "nobody", "--workspace", workspace][..], "nobody"),
        (2, &["run", "x", "--workspace", nowhere], "nowhere"),
        (2, &["run", "x", "--workspace", plain_directory], "not a git repository"),
        (2, &["run", "--runbook", "no-such"], "no-such"),
        (2, &["approve", "zzzz", "--digest", "12345678"], "zzzz"),
        (2, &["runs", "show", "ffffffff"], "ffffffff"),
        (2, &["--db", "mysql://x/y", "runs"], "sqlite:"),
        (2, &["--policy", nowhere, "runs"], "policy"),
        (2, &["demo", nowhere], "recording"),
        (2, &["cast", "no-such"], "night, incident"),
        (2, &["cast", "night", "--size", "9x9"], "40x10"),
        (2, &["cast", "night", "--json"], "a form of its own"),
        (1, &["cast", "machine-check", "-o", workspace], "cannot be written"),
        (2, &["--config", nowhere, "runs"], "nowhere"),
        (2, &["no-such-command"], "no-such-command"),
    ] {
        let ran = story.machine.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(says), "{arguments:?}: {}", ran.err);
        assert_eq!(ran.out, "", "{arguments:?}");
    }
    std::fs::write(story.machine.path("budget/src/lib.rs"), "changed").unwrap();
    let dirty: Ran = story.machine.run(&["run", "x", "--workspace", workspace]);
    assert_eq!((dirty.code, dirty.err.contains("--leave-changes")), (2, true), "{}", dirty.err);
    assert_eq!(story.machine.run(&["runs", "--json"]).json(), Vec::<Value>::new(), "no run was begun");
}

#[test]
fn a_model_that_cannot_be_reached_leaves_a_run_that_says_so() {
    let machine = Machine::new().with_model("http://127.0.0.1:1/v1");
    let repository = story::repository(machine.home()).unwrap().display().to_string();
    let ran = machine.run(&["run", "x", "--workspace", &repository, "--until-waiting"]);
    assert_eq!(ran.code, 4, "it waits for somebody who mends that: {}", ran.err);
    assert!(ran.err.contains("127.0.0.1:1") || ran.out.contains("127.0.0.1:1"), "{}{}", ran.out, ran.err);
    assert_eq!(machine.run(&["runs", "--json"]).ended(0).json().len(), 1, "the run is not lost");
}

#[test]
fn a_decision_where_no_model_is_configured_leaves_the_run_to_those_who_have_one() {
    let story = Story::new();
    let (run, approval) = story.up_to_the_push();
    let mut elsewhere = story.machine.command(&["deny", text(&approval["id"])]);
    let denied = Ran::from(elsewhere.env_remove("OPENAI_BASE_URL").output().unwrap()).ended(0);
    assert!(denied.err.contains("no model is configured here"), "{}", denied.err);
    assert!(!story.run_is("paused"));
    story.machine.run(&["resume", text(&run["id"]), "--follow"]).ended(0);
    assert!(story.run_is("succeeded"));
}

#[test]
fn a_relative_path_means_the_directory_the_program_was_started_in() {
    let story = Story::new();
    let budget = story.machine.path("budget");
    let relative =
        ["--data-dir", "d", "--db", "sqlite:d/own.db", "run", "x", "--workspace", "budget", "--until-waiting"];
    for _ in 0..2 {
        story.machine.run(&relative).ended(4);
    }
    let worktrees: Vec<_> = std::fs::read_dir(story.machine.path("d/worktrees")).unwrap().collect();
    assert_eq!(worktrees.len(), 2);
    assert!(story.machine.path("d/own.db").exists() && !budget.join("d").exists());
    let elsewhere = story.machine.path("d/own.db").display().to_string();
    let waiting = story.machine.run(&["--db", &elsewhere, "approvals", "--json"]).ended(0).json();
    assert_eq!(waiting.len(), 2);

    let here = std::fs::read_dir(story.machine.path("d/worktrees")).unwrap().next().unwrap().unwrap().path();
    let worktree = here.join("budget");
    let refused =
        story.machine.run(&["--data-dir", "d", "run", "x", "--workspace", worktree.to_str().unwrap()]).ended(2);
    assert!(refused.err.contains("the worktree of an earlier run"), "{}", refused.err);
    assert!(refused.err.contains(budget.to_str().unwrap()), "{}", refused.err);
}

#[test]
fn a_relative_workspace_typed_in_the_console_begins_there_too() {
    let story = Story::new();
    let said = story.machine.run_with_input(&["--plain"], "new in budget: x\n");
    let runs = story.machine.run(&["runs", "--json"]).ended(0).json();
    assert_eq!(runs.len(), 1, "{}{}", said.out, said.err);
    let shown = story.machine.run(&["runs", "show", runs[0]["id"].as_str().unwrap()]).ended(0);
    assert!(shown.out.contains("/budget\n") && shown.out.contains("morningai/x-"), "{}", shown.out);
}
