//! How commands end: at once when they are done, as soon as a decision is on disk, and not without a word when nothing
//! can be written or the same thing has ended the program again and again.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::machine::{Machine, Ran};
use crate::support::scripted_model::{Script, ScriptedModel, Turn, story};

/// The latest that a command may end after it has said all there is to say.
const AT_ONCE: Duration = Duration::from_secs(1);
/// How long a test waits for something that must happen before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

struct Story {
    machine: Machine,
    repository: String,
    _model: ScriptedModel,
}

impl Story {
    /// A model that plans one step, and then answers each turn by these.
    fn new(acts: impl Fn(&Value) -> Turn + Send + Sync + 'static) -> Self {
        let answer = move |request: &Value| match request["response_format"]["json_schema"]["name"].as_str() {
            Some("plan") => Turn::text(r#"{"steps":[{"action":"do it","after":[]}]}"#),
            _ => acts(request),
        };
        let model = ScriptedModel::start(Script::new().forever(Turn::computed(answer)));
        let machine = Machine::new().with_model(&model.base_url());
        let repository = story::repository(machine.home()).unwrap().display().to_string();
        Self { machine, repository, _model: model }
    }

    fn start(&self, options: &[&str]) -> Child {
        let arguments = [&["run", "do it", "--workspace", &self.repository], options].concat();
        self.machine.command(&arguments).spawn().unwrap()
    }

    fn run(&self) -> Value {
        self.machine.run(&["runs", "--json"]).ended(0).json().remove(0)
    }
}

fn finish() -> Turn {
    Turn::calling("finish", json!({ "summary": "done", "outcome": "succeeded" }))
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn a_run_that_has_succeeded_is_gone_at_once() {
    let story = Story::new(|_| finish());
    for round in 0..60 {
        let mut child = story.start(&["--until-waiting"]);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = lines.map_while(Result::ok).find(|line| line.starts_with("succeeded"));
        let said = Instant::now();
        assert!(told.is_some() && child.wait().unwrap().success(), "round {round}");
        assert!(said.elapsed() < AT_ONCE, "it sat for {:?} in round {round}", said.elapsed());
    }
    let logs = std::fs::read_dir(story.machine.path("data/logs")).unwrap().flatten();
    for log in logs {
        let text = std::fs::read_to_string(log.path()).unwrap();
        assert!(!text.contains("still under way"), "{text}");
    }
}

/// A model that never answers is not waited for when somebody asks twice, and not taken for a death.
#[test]
fn a_model_that_says_nothing_is_left_at_once() {
    let story = Story::new(|_| Turn::silence());
    let mut child = story.start(&[]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("plan:")));
    wait_until("the model is asked", || story.run()["steps"].as_u64() == Some(1));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let asked = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(asked.elapsed() < 3 * AT_ONCE, "it sat for {:?}", asked.elapsed());
    let log = story.machine.run(&["log", "export"]).ended(0);
    assert!(log.out.contains("run.set_aside"), "{}", log.out);
}

#[test]
fn a_detached_run_and_a_decision_end_as_soon_as_they_are_on_disk() {
    let story = Story::new(|_| finish());
    let began = Instant::now();
    let started = Ran::from(story.start(&["--detach"]).wait_with_output().unwrap()).ended(0);
    assert!(started.out.lines().count() <= 2 && started.out.starts_with("run "), "{}", started.out);
    assert!(started.err.contains("no process is working on the run yet"), "{}", started.err);
    let run = story.run();
    let follow = format!("resume {} --follow`", text(&run["id"]));
    assert!(started.err.contains(&follow), "{}", started.err);
    assert_eq!(text(&run["state"]), "planning");
    let printed = Ran::from(story.start(&["--detach", "--json"]).wait_with_output().unwrap()).ended(0).json();
    assert_eq!((printed.len(), text(&printed[0]["state"])), (1, "planning"), "{printed:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());

    let id = text(&run["id"]);
    for (command, says) in [("pause", "is paused"), ("resume", "is planning"), ("cancel", "is cancelled")] {
        let done = story.machine.run(&[command, id]).ended(0);
        assert!(done.out.contains(says), "{command}: {}", done.out);
    }
}

/// What would go on for minutes after a decision is left to whoever works on the run.
#[test]
fn a_decision_does_not_wait_for_what_follows_from_it() {
    let procedure = "---\nname: two\ndescription: Asks, then goes on for long.\n---\n\n## Ask\n\n```tool ask_person\n\
                     {\"question\": \"Now?\"}\n```\n\n## Sleep\n\n```tool shell\n{\"argv\": [\"sleep\", \"600\"]}\n```\n";
    let machine = Machine::new();
    let repository = story::repository(machine.home()).unwrap().display().to_string();
    let file = machine.path("two.md");
    std::fs::write(&file, procedure).unwrap();
    let file = file.to_str().unwrap();
    machine.run(&["run", "--runbook", file, "--workspace", &repository, "--until-waiting"]).ended(4);
    let waiting = machine.run(&["approvals", "--json"]).ended(0).json().remove(0);
    let began = Instant::now();
    let answered = machine.run(&["answer", text(&waiting["id"]), "yes"]).ended(0);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(answered.err.contains("no process is working on the run yet"), "{}", answered.err);
    assert_eq!(text(&machine.run(&["runs", "--json"]).json()[0]["state"]), "waiting");
}

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

#[test]
fn a_run_whose_output_cannot_be_written_says_so_and_goes_on() {
    let story = Story::new(|_| finish());
    for options in [&[][..], &["--json"]] {
        let arguments = [&["run", "do it", "--workspace", &story.repository], options].concat();
        let mut command = story.machine.command(&arguments);
        let ran = Ran::from(command.stdout(full()).output().unwrap()).ended(1);
        assert_eq!(ran.err.matches("standard output cannot be written").count(), 1, "{}", ran.err);
        assert!(ran.err.contains("progress is shown here instead") && ran.err.contains("succeeded"), "{}", ran.err);
        assert_eq!(text(&story.run()["state"]), "succeeded");
    }
    for arguments in [
        &["runs"][..],
        &["runs", "--json"],
        &["agents"],
        &["doctor", "--offline"],
        &["log", "tail"],
        &["log", "export"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
        &["--version"],
        &["demo", "--list"],
    ] {
        let ran = Ran::from(story.machine.command(arguments).stdout(full()).output().unwrap());
        assert_eq!(ran.code, 1, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains("standard output cannot be written"), "{arguments:?}: {}", ran.err);
    }
}

/// Like other programs, it says nothing of a reader that has gone; unlike them, it does not leave a run in the middle.
#[test]
fn a_reader_that_goes_away_ends_no_run() {
    let story = Story::new(|_| finish());
    let mut child = story.start(&[]);
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap()).ended(0);
    assert_eq!(ran.err, "");
    assert_eq!(text(&story.run()["state"]), "succeeded");
}

/// What was under way each time the program was killed is not begun a fourth time.
#[test]
fn a_program_that_ends_us_again_and_again_becomes_a_card() {
    let story = Story::new(|request| match request.to_string().contains("gave up on it") {
        true => finish(),
        false => Turn::calling("shell", json!({ "argv": ["sleep", "600"] })),
    });
    let mut child = story.start(&["--until-waiting"]);
    for death in 1.. {
        wait_until("the program is under way", || {
            let log = story.machine.run(&["log", "export"]).out;
            log.contains("run.effect_started") && log.matches("run.recovered").count() == death - 1
        });
        child.kill().unwrap();
        child.wait().unwrap();
        let run = story.run();
        let again = ["resume", text(&run["id"]), "--until-waiting"];
        if death == 3 {
            let card = story.machine.run(&again).ended(4);
            assert!(card.out.contains("each time morningai ended unexpectedly, 3 times"), "{}", card.out);
            break;
        }
        child = story.machine.command(&again).spawn().unwrap();
    }
    let waiting = story.machine.run(&["approvals", "--json"]).ended(0).json();
    assert_eq!((waiting.len(), text(&waiting[0]["state"])), (1, "in_doubt"));
    story.machine.run(&["settle", text(&waiting[0]["id"]), "give-up", "--until-waiting"]).ended(0);
    assert_eq!(text(&story.run()["state"]), "succeeded");
    story.machine.run(&["log", "verify"]).ended(0);
}

#[test]
fn a_home_that_is_none_is_said_to_be_and_what_helps() {
    let machine = Machine::new();
    let without_data = |home: Option<&str>, arguments: &[&str]| {
        let mut command = machine.command(arguments);
        command.env_remove("MORNINGAI_DATA_DIR").env_remove("HOME");
        if let Some(home) = home {
            command.env("HOME", home);
        }
        Ran::from(command.output().unwrap())
    };
    // Nothing is there, which is no error for those who look.
    let empty = without_data(Some("/dev/null"), &["runs", "--json"]).ended(0);
    assert_eq!((empty.out.as_str(), empty.err.as_str()), ("", ""));
    let start = ["run", "--runbook", "check-this-machine"];
    let refused = without_data(Some("/dev/null"), &start).ended(2);
    for says in ["data directory", "/dev/null/.local/share/morningai", "--data-dir"] {
        assert!(refused.err.contains(says), "{says}: {}", refused.err);
    }
    let data = machine.path("elsewhere");
    let elsewhere = ["runs", "--data-dir", data.to_str().unwrap()];
    without_data(Some("/dev/null"), &elsewhere).ended(0);
    let relative = without_data(Some("here"), &["runs"]).ended(2);
    assert!(relative.err.contains("HOME") && relative.err.contains("absolute"), "{}", relative.err);
    assert!(!machine.path("here").exists());
    let mut command = machine.command(&["runs"]);
    let ignored = command.env_remove("MORNINGAI_DATA_DIR").env("XDG_DATA_HOME", "x").env("XDG_CONFIG_HOME", "y");
    Ran::from(ignored.output().unwrap()).ended(0);
    assert!(!machine.path("x").exists() && !machine.path("y").exists(), "those that are not absolute do not count");
}
