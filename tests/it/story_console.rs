//! The whole story in a real terminal, by keys only.

use std::path::Path;

use portable_pty::CommandBuilder;

use crate::support::pty::Terminal;

/// The console on a machine of its own: nothing configured, everything below `home`.
fn console(home: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_morningai"));
    command.env_clear();
    command.env("HOME", home);
    command.env("USER", "ana");
    command.env("PATH", std::env::var_os("PATH").unwrap());
    command.env("TERM", "xterm-256color");
    command.env("MORNINGAI_DATA_DIR", home.join("data"));
    command.cwd(home);
    command
}

#[test]
fn a_newcomer_checks_the_machine_approves_the_clean_up_and_finds_it_again() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(console(home.path()), 24, 80);
    terminal.until_shown("No model is configured");
    terminal.keys("m");
    terminal.until_shown("waits for you");
    terminal.keys("w");
    terminal.until_shown("Exactly this will run");
    terminal.keys("y");
    terminal.keys("G");
    terminal.until_shown("y approve");
    let readings = home.path().join("data/scratch");
    assert!(files_below(&readings).iter().any(|file| file.ends_with("readings/load.json")), "nothing ran yet");
    a_moment();
    terminal.keys("y");
    terminal.until_shown("9 of 9 steps done");
    assert!(!files_below(&readings).iter().any(|file| file.ends_with(".json")), "the readings are gone");
    terminal.keys("q");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_restored();

    let mut again = Terminal::start(console(home.path()), 24, 80);
    again.keys("2");
    again.until_shown("succeeded");
    again.keys("q");
    assert_eq!(again.exit_code(), 0);
}

#[test]
fn a_terminated_console_gives_the_terminal_back() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(console(home.path()), 24, 80);
    terminal.until_shown("Overview");
    let process = rustix::process::Pid::from_raw(terminal.process_id() as i32).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    terminal.exit_code();
    terminal.assert_restored();
}

#[test]
fn an_idle_console_writes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(console(home.path()), 24, 80);
    terminal.until_shown("check machine");
    // Whatever is learned right after the start is drawn by then; what follows must be silence.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let before = terminal.bytes().len();
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(terminal.bytes().len(), before, "bytes were written while nothing happened");
    terminal.keys("q");
    assert_eq!(terminal.exit_code(), 0);
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
