//! The whole story in a real terminal, by keys only.

use std::path::Path;

use crate::support::machine::Machine;
use crate::support::pty::Terminal;
use crate::support::scripted_model::{ScriptedModel, story};

#[test]
fn a_newcomer_checks_the_machine_approves_the_clean_up_and_finds_it_again() {
    let machine = Machine::new();
    let mut terminal = Terminal::start(machine.in_terminal(&[]), 24, 80);
    terminal.until_shown("No model is configured");
    terminal.keys("m");
    terminal.until_shown("waits for you");
    terminal.keys("w");
    terminal.until_shown("Exactly this will run");
    terminal.keys("y");
    terminal.keys("G");
    terminal.until_shown("y approve");
    let readings = machine.path("data/scratch");
    assert!(files_below(&readings).iter().any(|file| file.ends_with("readings/load.json")), "nothing ran yet");
    a_moment();
    terminal.keys("y");
    terminal.until_shown("9 of 9 steps done");
    assert!(!files_below(&readings).iter().any(|file| file.ends_with(".json")), "the readings are gone");
    terminal.keys("q");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_restored();

    let mut again = Terminal::start(machine.in_terminal(&[]), 24, 80);
    again.keys("2");
    again.until_shown("succeeded");
    again.keys("q");
    assert_eq!(again.exit_code(), 0);
}

#[test]
fn an_agent_fixes_the_failing_test_and_pushes_once_a_person_says_so() {
    let model = ScriptedModel::start(story::fix_the_failing_test());
    let machine = Machine::new().with_model(&model.base_url());
    let repository = story::repository(machine.home()).unwrap();
    let mut terminal = Terminal::start(machine.in_terminal(&[]), 24, 80);
    terminal.until_shown("✓ Sandbox");
    terminal.keys("n");
    terminal.until_shown("New goal");
    terminal.keys("make the failing test pass");
    terminal.keys("\t\t\u{15}");
    terminal.keys(&repository.display().to_string());
    terminal.until_shown("its own worktree");
    terminal.keys("\r");
    terminal.until_shown("waits for you");
    terminal.keys("w");
    terminal.until_shown("push origin/morningai/make-the-failing-test-pass");
    read_to_the_end(&mut terminal);
    a_moment();
    terminal.keys("y");
    terminal.until_shown("✓ Succeeded");
    let pushed = std::fs::read_dir(machine.path("origin.git/refs/heads/morningai")).unwrap().count();
    assert_eq!(pushed, 1);
    terminal.keys("q");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_restored();
}

#[test]
fn a_person_changes_where_the_agent_pushes_and_exactly_that_is_pushed() {
    let model = ScriptedModel::start(story::fix_the_failing_test());
    let machine = Machine::new().with_model(&model.base_url());
    let repository = story::repository(machine.home()).unwrap().display().to_string();
    machine.run(&["run", "make the failing test pass", "--workspace", &repository, "--until-waiting"]).ended(4);
    let mut terminal = Terminal::start(machine.in_terminal(&[]), 24, 80);
    terminal.until_shown("3 Approvals ●1");
    terminal.keys("w");
    terminal.until_shown("push origin/morningai/make-the-failing-test-pass");
    a_moment();
    terminal.keys("e");
    terminal.until_shown("the policy judges it again");
    terminal.keys("\u{b}{\"branch\": \"for-ana\"");
    terminal.keys("\u{13}");
    terminal.until_shown("✗ line 1");
    terminal.keys("}\u{13}");
    terminal.until_shown("push origin/for-ana");
    terminal.until_shown("changed branch");
    let heads = machine.path("origin.git/refs/heads");
    assert!(!heads.join("for-ana").exists(), "a change pushes nothing");
    read_to_the_end(&mut terminal);
    a_moment();
    terminal.keys("y");
    terminal.until_shown("approved: push");
    terminal.keys("2");
    terminal.until_shown("done 1");
    assert!(heads.join("for-ana").exists());
    assert!(!heads.join("morningai").exists(), "and nothing else was pushed");
    terminal.keys("q");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_restored();
}

#[test]
fn a_terminated_console_gives_the_terminal_back() {
    let machine = Machine::new();
    let mut terminal = Terminal::start(machine.in_terminal(&[]), 24, 80);
    terminal.until_shown("1 Now");
    let process = rustix::process::Pid::from_raw(terminal.process_id() as i32).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    terminal.exit_code();
    terminal.assert_restored();
}

#[test]
fn an_idle_console_writes_nothing() {
    let machine = Machine::new();
    let mut terminal = Terminal::start(machine.in_terminal(&[]), 24, 80);
    terminal.until_shown("check machine");
    // Whatever is learned right after the start is drawn by then; what follows must be silence.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let before = terminal.bytes().len();
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(terminal.bytes().len(), before, "bytes were written while nothing happened");
    terminal.keys("q");
    assert_eq!(terminal.exit_code(), 0);
}

/// Scrolls half a page at a time, as a card that is longer than the screen wants to be read: back up where a notice stood
/// over some of it.
fn read_to_the_end(terminal: &mut Terminal) {
    for _ in 0..20 {
        let before = terminal.screen();
        if before.contains("y approve") {
            return;
        }
        terminal.keys(if before.contains("k ^U") { "\u{15}" } else { "\u{4}" });
        terminal.until("the next half page", |screen| screen != before);
    }
    panic!("the card has no end\n{}", terminal.screen());
}

/// A card decides nothing in its first half second, nor by a key right after another: so a person's pause.
fn a_moment() {
    std::thread::sleep(std::time::Duration::from_millis(700));
}

fn files_below(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    entries
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { files_below(&path) } else { vec![path.to_string_lossy().into_owned()] }
        })
        .collect()
}
