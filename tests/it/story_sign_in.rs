//! Attaching with an account: asked at a terminal, told what one may, and let go when it ends.

use crate::story_attach::{Served, a_moment};
use crate::support::machine::Machine;
use crate::support::pty::Terminal;

const PASSWORD: &str = "rain on a tin roof";

fn with_accounts(accounts: &[(&str, &str)]) -> Machine {
    let machine = Machine::new();
    for (name, role) in accounts {
        machine.run_with_input(&["accounts", "add", name, "--role", role], &format!("{PASSWORD}\n")).ended(0);
    }
    machine
}

/// Types a line at the `count`th time that a question stands on the screen.
fn answer(terminal: &mut Terminal, question: &str, count: usize, line: &str) {
    terminal.until(question, |screen| screen.matches(question).count() == count);
    terminal.keys(line);
    terminal.keys("\r");
}

#[test]
fn a_viewer_signs_in_looks_decides_nothing_and_is_let_go_when_disabled() {
    let machine = with_accounts(&[("ana", "owner"), ("vi", "viewer")]);
    machine.run(&["run", "--runbook", "check-this-machine", "--until-waiting"]).ended(4);
    let served = Served::start(machine.home(), "127.0.0.1:0");
    let mut terminal = Terminal::start(machine.in_terminal(&["attach", &served.url]), 30, 100);
    answer(&mut terminal, "Name at", 1, "vi");
    answer(&mut terminal, "Password of vi", 1, "wrong horse battery");
    terminal.until_shown("wrong name, password or code");
    answer(&mut terminal, "Password of vi", 2, PASSWORD);
    terminal.until_shown("read-only");
    // Before it has heard of the request, there is nothing to open.
    terminal.until_shown("3 Approvals ●1");
    terminal.keys("w");
    terminal.until_shown("Exactly this will run");
    terminal.keys("G");
    a_moment();
    terminal.keys("y");
    a_moment();
    assert!(!terminal.screen().contains("y approve"), "{}", terminal.screen());
    assert_eq!(machine.run(&["approvals", "--json"]).json()[0]["state"], "pending");
    machine.run(&["accounts", "disable", "vi"]).ended(0);
    terminal.until_shown("signed out");
    terminal.keys("q");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_restored();
    let bytes = terminal.bytes();
    let seen = String::from_utf8_lossy(&bytes);
    assert!(!seen.contains("tin roof") && !seen.contains("wrong horse"), "a password was shown");
}

#[test]
fn where_the_token_file_opens_nothing_any_more_people_sign_in_and_scripts_are_told() {
    let machine = Machine::new();
    let served = Served::start(machine.home(), "127.0.0.1:0");
    let url = served.url.as_str();
    assert!(machine.run_with_input(&["attach", url, "--plain"], "quit\n").ended(0).out.contains("attached to"));
    machine.run_with_input(&["accounts", "add", "ana", "--role", "owner"], &format!("{PASSWORD}\n")).ended(0);
    let refused = machine.run(&["attach", url, "--plain"]).ended(3);
    assert!(
        refused.err.contains("this server has accounts") && refused.err.contains("next: sign in"),
        "{}",
        refused.err
    );
    let mut terminal = Terminal::start(machine.in_terminal(&["--as", "ana", "attach", url]), 24, 80);
    for attempt in 1..=3 {
        answer(&mut terminal, "Password of ana", attempt, "wrong horse battery");
    }
    assert_eq!(terminal.exit_code(), 3);
    let mut terminal = Terminal::start(machine.in_terminal(&["--as", "ana", "attach", url]), 24, 80);
    answer(&mut terminal, "Password of ana", 1, PASSWORD);
    terminal.until_shown("attached to");
    terminal.keys("q");
    assert_eq!(terminal.exit_code(), 0);
    let told = machine.run(&["audit", "--json"]).json();
    let kinds: Vec<_> = told.iter().map(|row| row["event"]["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[..2], ["access.signed_out", "access.signed_in"], "{kinds:?}");
}

#[test]
fn a_token_that_holds_no_more_is_refused_in_words_and_by_exit_code() {
    let machine = with_accounts(&[("ana", "owner")]);
    let served = Served::start(machine.home(), "127.0.0.1:0");
    let url = served.url.as_str();
    let without = machine.run(&["attach", url, "--plain"]).ended(2);
    assert!(without.err.contains("no token to present") && without.err.contains("at a terminal"), "{}", without.err);
    let issue = ["tokens", "issue", "ana", "--label", "wall", "--json"];
    let issued = machine.run(&[&issue[..], &["--scope", "log.read"]].concat()).ended(0).json().remove(0);
    let file = machine.path("wall.token");
    std::fs::write(&file, issued["secret"].as_str().unwrap()).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let attach = ["attach", url, "--plain", "--token-file", file.to_str().unwrap()];
    let shown = machine.run_with_input(&attach, "quit\n").ended(0);
    assert!(shown.out.contains("read-only") && shown.out.contains("your token is for looking"), "{}", shown.out);
    machine.run(&["tokens", "revoke", issued["id"].as_str().unwrap()]).ended(0);
    let refused = machine.run_with_input(&attach, "quit\n").ended(3);
    assert!(refused.err.contains("this token was revoked") && refused.err.contains("next:"), "{}", refused.err);
}
