//! Accounts, tokens and the audit from the command line, as the built program does them, once on each kind of store.

use serde_json::Value;

use super::machine;
use crate::support::machine::Machine;
use crate::support::pty::Terminal;

const PASSWORD: &str = "rain on a tin roof\n";

fn with_owner() -> Machine {
    let machine = machine();
    machine.run_with_input(&["accounts", "add", "Ana", "--role", "owner"], PASSWORD).ended(0);
    machine
}

fn names(rows: &[Value], field: &str) -> Vec<String> {
    rows.iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_first_account_is_an_owner_and_its_password_is_nowhere_to_be_read() {
    let machine = machine();
    let refused = machine.run_with_input(&["accounts", "add", "bo", "--role", "viewer"], PASSWORD).ended(2);
    assert!(refused.err.contains("first account must be an owner"), "{}", refused.err);
    let weak = machine.run_with_input(&["accounts", "add", "ana", "--role", "owner"], "password1234\n").ended(2);
    assert!(weak.err.contains("guessed first") && weak.out.is_empty(), "{}", weak.err);
    machine.run(&["accounts", "add", "ana", "--role", "owner"]).ended(2);
    let added = machine.run_with_input(&["accounts", "add", "ana", "--role", "owner", "--json"], PASSWORD).ended(0);
    let shape = &added.json()[0];
    assert_eq!((shape["name"].as_str(), shape["password"].as_bool()), (Some("ana"), Some(true)));
    let log = machine.run(&["log", "export"]).ended(0).out;
    assert!(log.contains("access.account_created") && !log.contains("rain") && !log.contains("argon2"), "{log}");
    assert!(!added.out.contains("argon2"), "{}", added.out);
}

#[test]
fn roles_are_given_by_those_above_and_nobody_raises_themselves() {
    let machine = with_owner();
    machine.run(&["accounts", "add", "bo", "--role", "admin", "--no-password"]).ended(0);
    machine.run(&["accounts", "add", "cy", "--role", "viewer", "--no-password"]).ended(0);
    let by_bo = |arguments: &[&str]| machine.run(&[&["--as", "bo"], arguments].concat());
    by_bo(&["accounts", "set-role", "cy", "operator"]).ended(0);
    for (arguments, why) in [
        (["accounts", "set-role", "bo", "owner"], "their own role"),
        (["accounts", "set-role", "cy", "admin"], "admin may not manage accounts that are admin"),
        (["accounts", "set-role", "ana", "viewer"], "may not manage accounts that are owner"),
    ] {
        let refused = by_bo(&arguments).ended(3);
        assert!(refused.err.contains(why) && refused.err.contains("next:"), "{}", refused.err);
    }
    let refused = machine.run(&["--as", "cy", "accounts", "disable", "bo"]).ended(3);
    assert!(refused.err.contains("operator may not manage accounts"), "{}", refused.err);
    // Whoever holds the store and has no account may do anything but leave nobody in charge.
    let last = machine.run(&["--as", "root", "accounts", "disable", "ana"]).ended(3);
    assert!(last.err.contains("last owner"), "{}", last.err);
    let unknown = machine.run(&["accounts", "show", "bob"]).ended(2);
    assert!(unknown.err.contains("did you mean bo?"), "{}", unknown.err);
    let rows = machine.run(&["accounts", "--json"]).ended(0).json();
    assert_eq!(
        (names(&rows, "name").join(" "), names(&rows, "role").join(" ")),
        ("ana bo cy".to_owned(), "owner admin operator".to_owned())
    );
}

#[test]
fn a_token_is_shown_once_listed_without_its_secret_and_revoked() {
    let machine = with_owner();
    machine.run(&["accounts", "add", "ci", "--role", "viewer", "--no-password"]).ended(0);
    let issue = |scope: &str| machine.run(&["tokens", "issue", "ci", "--label", "nightly", "--scope", scope, "--json"]);
    assert!(issue("runs.start").ended(3).err.contains("viewer may not do runs.start"));
    assert!(issue("runs.fly").ended(2).err.contains("no action"));
    let issued = issue("runs.read").ended(0).json().remove(0);
    let (id, secret) = (issued["id"].as_str().unwrap(), issued["secret"].as_str().unwrap());
    assert!(secret.starts_with("mai_") && secret.len() == 62, "{secret}");
    let listed = machine.run(&["tokens", "--json"]).ended(0);
    assert_eq!(listed.json()[0]["state"], "good");
    let everything = listed.out + &machine.run(&["log", "export"]).out + &machine.run(&["accounts", "show", "ci"]).out;
    assert!(!everything.contains("mai_"), "{everything}");
    machine.run(&["tokens", "revoke", &id[id.len() - 8..]]).ended(0);
    assert_eq!(machine.run(&["tokens", "--json"]).json()[0]["state"], "revoked");
    machine.run(&["tokens", "revoke", id]).ended(2);
}

#[test]
fn a_second_factor_is_set_up_shown_once_and_taken_away() {
    let machine = with_owner();
    let shown = machine.run(&["accounts", "totp", "ana", "--json"]).ended(0).json().remove(0);
    assert!(shown["uri"].as_str().unwrap().starts_with("otpauth://totp/morningai:ana?secret="));
    assert_eq!(shown["recovery_codes"].as_array().unwrap().len(), 8);
    let account = machine.run(&["accounts", "show", "ana", "--json"]).json().remove(0);
    assert_eq!((account["totp"].as_bool(), account["recovery_codes"].as_u64()), (Some(true), Some(8)));
    let log = machine.run(&["log", "export"]).out;
    assert!(!log.contains("otpauth") && log.contains("access.totp_set"), "{log}");
    machine.run(&["accounts", "totp", "ana", "--remove"]).ended(0);
    machine.run(&["accounts", "totp", "ana", "--remove"]).ended(2);
}

#[test]
fn the_audit_tells_who_did_what_newest_first() {
    let machine = with_owner();
    machine.run_with_input(&["--as", "root", "accounts", "passwd", "ana"], "another tin roof\n").ended(0);
    let rows = machine.run(&["audit", "--json"]).ended(0).json();
    let kinds: Vec<_> = rows.iter().map(|row| row["event"]["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["access.password_changed", "access.account_created"]);
    assert_eq!(machine.run(&["audit", "--who", "root", "--json"]).json().len(), 1);
    assert_eq!(machine.run(&["audit", "--limit", "1", "--json"]).json().len(), 1);
    let shown = machine.run(&["audit", "show", "1"]).ended(0).out;
    assert!(shown.contains("person:ana") && shown.contains("\"role\": \"owner\""), "{shown}");
    machine.run(&["audit", "show", "99"]).ended(2);
    assert!(machine.run(&["log", "verify"]).ended(0).out.starts_with("intact: 2 events"));
}

/// Types a line once it is asked for.
fn answer(terminal: &mut Terminal, question: &str, line: &str) {
    terminal.until_shown(question);
    terminal.keys(line);
    terminal.keys("\r");
}

#[test]
fn at_a_terminal_a_password_is_asked_for_twice_and_never_shown() {
    let machine = machine();
    let mut terminal = Terminal::start(machine.in_terminal(&["accounts", "add", "ana", "--role", "owner"]), 24, 80);
    answer(&mut terminal, "New password for ana:", "rain on a tin roof");
    answer(&mut terminal, "Repeat the password:", "rain on a tin roof");
    terminal.until_shown("ana: owner, active");
    assert_eq!(terminal.exit_code(), 0);
    assert!(!String::from_utf8_lossy(&terminal.bytes()).contains("rain"), "{}", terminal.screen());
    let mut terminal = Terminal::start(machine.in_terminal(&["accounts", "passwd", "ana"]), 24, 80);
    answer(&mut terminal, "New password for ana:", "another tin roof");
    answer(&mut terminal, "Repeat the password:", "another thin roof");
    terminal.until_shown("passwords differ");
    assert_eq!(terminal.exit_code(), 2);
}

#[test]
fn a_console_that_was_left_locks_and_opens_with_its_persons_password() {
    let machine = with_owner();
    let config = machine.path("config.toml");
    std::fs::write(&config, "[console]\nlock_after = \"2s\"\n").unwrap();
    let arguments = ["--config", config.to_str().unwrap()];
    let mut terminal = Terminal::start(machine.in_terminal(&arguments), 24, 80);
    terminal.until_shown("1 Now");
    let locked = |screen: &str| screen.contains("locked") && !screen.contains("1 Now");
    terminal.until("the lock", locked);
    terminal.keys("wrong horse\r");
    terminal.until_shown("wrong name, password or code");
    terminal.keys("rain on a tin roof\r");
    terminal.until_shown("1 Now");
    terminal.until("the lock", locked);
    terminal.keys("\u{3}\u{3}");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_restored();
    let told = machine.run(&["audit", "--json"]).ended(0).json();
    let kinds: Vec<_> = told.iter().map(|row| row["event"]["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["access.signed_in", "access.sign_in_refused", "access.account_created"]);
}
