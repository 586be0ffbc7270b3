//! Commands that only look: they make nothing, need to write nothing, and say when rows are not what the log says.

use std::process::Command;

use serde_json::Value;

use crate::store_tamper::raw_sql;
use crate::support::machine::{Machine, Ran};

/// A machine whose store holds one run that waits for one decision; the ids of both.
fn with_a_run() -> (Machine, String, String) {
    let machine = Machine::new();
    machine.run(&["run", "--runbook", "check-this-machine", "--until-waiting"]).ended(4);
    let id = |listing: &str| machine.run(&[listing, "--json"]).ended(0).json()[0]["id"].as_str().unwrap().to_owned();
    let (run, approval) = (id("runs"), id("approvals"));
    (machine, run, approval)
}

/// The same command where no file system can be written, which holds for root too.
fn run_read_only(machine: &Machine, arguments: &[&str]) -> Ran {
    let inner = machine.command(arguments);
    let mut outer = Command::new("bwrap");
    outer.args(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--"]);
    outer.arg(inner.get_program()).args(inner.get_args()).current_dir(machine.home()).env_clear();
    outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer.output().unwrap().into()
}

#[test]
fn a_store_that_can_only_be_read_is_read() {
    let (machine, run, approval) = with_a_run();
    for arguments in [
        &["runs"][..],
        &["runs", "show", &run],
        &["approvals"],
        &["approvals", "show", &approval],
        &["agents"],
        &["log", "verify"],
        &["log", "export"],
        &["log", "tail"],
        &["record", &run],
    ] {
        let read = run_read_only(&machine, arguments).ended(0);
        assert_eq!(read.out, machine.run(arguments).ended(0).out, "{arguments:?}");
        assert!(!read.out.is_empty(), "{arguments:?}");
    }
    let refused = run_read_only(&machine, &["deny", &approval]);
    assert!(refused.code != 0 && refused.err.contains("morningai.db"), "{}", refused.err);
}

#[test]
fn newest_events_that_cannot_be_read_are_not_left_out_in_silence() {
    let (machine, ..) = with_a_run();
    // As a copy of the two files has it: the shared index of a reader is no part of the store.
    std::fs::write(machine.path("data/morningai.db-wal"), [1; 64]).unwrap();
    std::fs::remove_file(machine.path("data/morningai.db-shm")).unwrap();
    let refused = run_read_only(&machine, &["runs"]);
    assert!(refused.code != 0 && refused.err.contains("the newest events are in"), "{} {}", refused.out, refused.err);
}

#[test]
fn looking_makes_nothing_and_a_store_that_was_named_must_be_there() {
    let machine = Machine::new();
    for (arguments, says) in [
        (&["runs"][..], "no runs"),
        (&["approvals"], "nothing waits"),
        (&["agents"], "dev"),
        (&["log", "verify"], "intact: 0 events"),
        (&["log", "export"], ""),
        (&["log", "tail", "--follow"], ""),
    ] {
        let ran = machine.run(arguments).ended(0);
        assert!(ran.out.contains(says), "{arguments:?}: {}", ran.out);
    }
    machine.run(&["runs", "show", "ffffffff"]).ended(2);
    machine.run(&["record", "ffffffff"]).ended(2);
    for arguments in [&["runs"][..], &["approvals"], &["log", "verify"], &["record", "ffffffff"]] {
        let mistyped = machine.run(&[&["--db", "sqlite:typo/x.db"], arguments].concat()).ended(2);
        assert!(mistyped.err.contains("there is no store") && mistyped.err.contains("db migrate"), "{}", mistyped.err);
        assert_eq!(mistyped.out, "");
    }
    let left: Vec<_> = std::fs::read_dir(machine.home()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn rows_that_are_not_what_the_log_says_are_named() {
    let (machine, run, approval) = with_a_run();
    machine.run(&["deny", &approval, "--reason", "not now", "--until-waiting"]);
    machine.run(&["log", "verify"]).ended(0);
    let store = machine.path("data/morningai.db");
    let run_row = format!("run {run}: it is missing");
    for (sql, says) in [
        (
            r#"UPDATE projection SET body = replace(body, '"denied"', '"approved"') WHERE kind = 'approval'"#,
            r#": its state is "approved", by the log "denied""#,
        ),
        ("UPDATE projection SET is_open = 1 WHERE kind = 'approval'", ": its is_open is true, by the log false"),
        ("DELETE FROM projection WHERE kind = 'run'", run_row.as_str()),
        (
            "INSERT INTO projection SELECT tenant, kind, randomblob(16), is_open, sort, body, state, parent, due FROM projection
             WHERE kind = 'approval' LIMIT 1",
            ": the log has nothing of it",
        ),
        ("UPDATE projection SET body = '{}' WHERE kind = 'approval'", ": it cannot be read: "),
    ] {
        raw_sql(&store, sql).await;
        let found = machine.run(&["log", "verify", "--json"]).ended(1);
        let report: Value = serde_json::from_str(&found.out).unwrap();
        assert_eq!((&report["intact"], report["problems"].as_array().unwrap().len()), (&false.into(), 0));
        assert!(report["rows"].as_array().unwrap().iter().any(|row| row.as_str().unwrap().contains(says)), "{report}");
        assert!(found.err.contains("morningai db rebuild"), "{}", found.err);
        machine.run(&["db", "rebuild"]).ended(0);
        machine.run(&["log", "verify"]).ended(0);
    }
}

#[test]
fn a_run_is_told_without_repetition_or_empty_words() {
    let (machine, run, approval) = with_a_run();
    machine.run(&["deny", &approval, "--detach"]);
    let shown = machine.run(&["runs", "show", &run]).ended(0).out;
    assert!(!shown.contains("ok, ok:") && !shown.contains("FAILED, ana denied"), "{shown}");
    assert!(shown.lines().all(|line| line.trim() != "branch"), "{shown}");
    let unknown = machine.run(&["run", "x", "--agent", "zzzzzz"]).ended(2);
    assert!(unknown.err.contains("; `morningai agents` lists all"), "{}", unknown.err);
}

#[test]
fn with_json_nothing_but_json_comes_out() {
    let (machine, run, approval) = with_a_run();
    let listing = [
        &["runs"][..],
        &["runs", "show", &run],
        &["approvals"],
        &["approvals", "--all"],
        &["approvals", "show", &approval],
        &["agents"],
        &["agents", "show", "dev"],
        &["accounts"],
        &["accounts", "roles"],
        &["tokens"],
        &["audit"],
        &["audit", "show", "1"],
        &["log", "verify"],
        &["log", "export"],
        &["log", "tail"],
        &["db", "migrate"],
        &["db", "rebuild"],
        &["record", &run],
        &["demo", "--list"],
    ];
    for arguments in listing {
        let ran = machine.run(&[arguments, &["--json"]].concat());
        assert!(ran.code == 0, "{arguments:?}: {}", ran.err);
        for line in ran.out.lines() {
            assert!(serde_json::from_str::<Value>(line).is_ok_and(|line| line.is_object()), "{arguments:?}: {line}");
        }
    }
    let demos = machine.run(&["demo", "--list", "--json"]).ended(0).json();
    assert!(demos.len() >= 3);
    for demo in demos {
        assert!(
            demo["name"].is_string() && demo["title"].is_string() && demo["seconds"].as_f64() > Some(0.0),
            "{demo}"
        );
    }
    // What has no objects to print says so, and prints nothing.
    for arguments in [&["demo", "--plain", "--json"][..], &["--plain", "--json"]] {
        let refused = machine.run_with_input(arguments, "quit\n").ended(2);
        assert_eq!(refused.out, "", "{arguments:?}");
    }
}

#[test]
fn a_digest_is_told_after_all_that_is_approved_by_it() {
    let (machine, _, approval) = with_a_run();
    let digest = machine.run(&["approvals", "--json"]).json()[0]["digest"].as_str().unwrap()[..8].to_owned();
    assert!(machine.run(&["approvals", "--json"]).json()[0]["card"]["payload"].is_object());
    assert!(!machine.run(&["approvals"]).ended(0).out.contains(&digest));
    let shown = machine.run(&["approvals", "show", &approval]).ended(0).out;
    assert!(shown.lines().last().unwrap().contains(&digest), "{shown}");
    let wrong = machine.run(&["approve", &approval, "--digest", "00000000"]).ended(3).err;
    let (before, _) = wrong.split_once(&digest).unwrap();
    assert!(before.contains("exactly this:"), "the card is printed first: {wrong}");
}
