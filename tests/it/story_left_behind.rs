//! A repository that a program planted in its workspace is gone when the run has ended, whatever ended in between: the
//! program, the process that watched it, or the run.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::machine::Machine;
use crate::support::scripted_model::story;

const PATIENCE: Duration = Duration::from_secs(60);
const TOLD: &str = "moved aside, because git would follow it: `.git`";

/// A machine on which a run plants a repository, and then does not end or asks something.
struct Story {
    machine: Machine,
    repository: String,
    mark: PathBuf,
}

impl Story {
    fn new() -> Self {
        let machine = Machine::new();
        let repository = story::repository(machine.home()).unwrap();
        let mark = machine.path("mark");
        let script = format!("#!/bin/sh\n{}exec sleep 600\n", planting(&mark));
        std::fs::write(repository.join("plant"), script).unwrap();
        std::fs::set_permissions(repository.join("plant"), PermissionsExt::from_mode(0o755)).unwrap();
        git(&repository, &["add", "-A"]);
        git(&repository, &["commit", "-q", "-m", "Plant"]);
        Self { machine, repository: repository.display().to_string(), mark }
    }

    /// Starts a run of one step.
    fn start(&self, tool: &str, args: &str) -> Child {
        let file = self.machine.path("steps.md");
        let text =
            format!("---\nname: steps\ndescription: One step.\n---\n\n## Do it\n\n```tool {tool}\n{args}\n```\n");
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        let arguments = ["run", "--runbook", file, "--workspace", &self.repository, "--until-waiting"];
        self.machine.command(&arguments).spawn().unwrap()
    }

    fn start_planting(&self) -> Child {
        let child = self.start("shell", r#"{"argv": ["./plant"]}"#);
        wait_until("a repository is planted", || self.worktree().is_some_and(|at| at.join("planted").exists()));
        child
    }

    fn worktree(&self) -> Option<PathBuf> {
        let of_run = std::fs::read_dir(self.machine.path("data/worktrees")).ok()?.next()?.ok()?.path();
        Some(of_run.join("budget")).filter(|root| root.is_dir())
    }

    fn run(&self) -> String {
        self.machine.run(&["runs", "--json"]).ended(0).json()[0]["id"].as_str().unwrap().to_owned()
    }

    fn a_person_may_run_git_there(&self) {
        let worktree = self.worktree().unwrap();
        assert!(!worktree.join(".git").exists(), "the planted repository is still there");
        let _ = std::fs::remove_file(&self.mark);
        Command::new("git").arg("status").current_dir(&worktree).output().unwrap();
        assert!(!self.mark.exists(), "a person's own git ran what an agent planted");
    }
}

fn planting(mark: &Path) -> String {
    format!("git init -q . && git config core.fsmonitor 'touch {}; false' && touch planted\n", mark.display())
}

fn git(at: &Path, arguments: &[&str]) {
    assert!(Command::new("git").args(arguments).current_dir(at).status().unwrap().success());
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_run_cancelled_after_its_process_was_killed_leaves_no_repository() {
    let story = Story::new();
    let mut child = story.start_planting();
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    assert!(story.worktree().unwrap().join(".git").exists(), "nobody could have cleared up yet");
    let run = story.run();
    let cancelled = story.machine.run(&["cancel", &run]).ended(0);
    assert!(cancelled.err.contains(TOLD), "{}\n{}", cancelled.out, cancelled.err);
    story.a_person_may_run_git_there();
    let shown = story.machine.run(&["runs", "show", &run]).ended(0);
    assert!(shown.out.contains("cancelled") && shown.out.contains(TOLD), "{}", shown.out);
}

#[test]
fn a_process_that_is_told_to_end_clears_up_before_it_does() {
    let story = Story::new();
    let mut child = story.start_planting();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    child.wait().unwrap();
    story.a_person_may_run_git_there();
}

/// As if whatever looked after the program had missed it.
#[test]
fn the_end_of_a_run_is_a_last_look_wherever_it_is_decided() {
    let story = Story::new();
    let asked = story.start("ask_person", r#"{"question": "Now?"}"#).wait().unwrap();
    assert_eq!(asked.code(), Some(4));
    let script = planting(&story.mark);
    let worktree = story.worktree().unwrap();
    assert!(Command::new("sh").args(["-c", &script]).current_dir(&worktree).status().unwrap().success());
    story.machine.run(&["cancel", &story.run()]).ended(0);
    story.a_person_may_run_git_there();
}
