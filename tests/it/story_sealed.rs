//! An encrypted store from the command line, as the built program does it: made, refused, exported, erased.

use std::path::Path;

use serde_json::Value;

use crate::support::machine::{Machine, Ran};

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const OTHER: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
const PASSWORD: &str = "rain on a tin roof\n";

/// Runs the program with a key in its environment; an empty one is none.
fn run(machine: &Machine, key: &str, arguments: &[&str]) -> Ran {
    machine.command(arguments).env("MORNINGAI_STORE_KEY", key).output().unwrap().into()
}

/// A run of somebody's to its end.
fn check(machine: &Machine, who: &str) {
    let with = |arguments: &[&str]| run(machine, KEY, &[&["--as", who], arguments].concat());
    with(&["run", "--runbook", "check-this-machine", "--until-waiting"]).ended(4);
    let waiting = with(&["approvals", "--json"]).ended(0).json();
    let id = waiting[0]["id"].as_str().unwrap().to_owned();
    with(&["deny", &id, "--reason", "keep-the-readings", "--until-waiting"]).ended(0);
}

fn files(dir: &Path) -> Vec<u8> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let of_store = paths.filter(|path| path.is_file() && path.to_string_lossy().contains("morningai.db"));
    of_store.flat_map(|path| std::fs::read(path).unwrap()).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_store_is_encrypted_with_a_key_and_opens_with_no_other() {
    let machine = Machine::new();
    let malformed = run(&machine, "hunter2", &["db", "migrate"]).ended(2);
    assert!(malformed.err.contains("32 bytes") && malformed.err.contains("openssl rand"), "{}", malformed.err);
    assert!(!malformed.err.contains("hunter2"));
    check(&machine, "ana-canaryname");
    let stored = files(&machine.path("data"));
    for text in ["ana-canaryname", "keep-the-readings", "readings", KEY] {
        assert!(!holds(&stored, text), "{text} is in the store's files");
    }
    assert!(holds(&stored, "run.started"));
    let log = run(&machine, KEY, &["log", "export"]).ended(0).out;
    assert!(log.contains("ana-canaryname") && log.contains("keep-the-readings"));
    assert!(!run(&machine, KEY, &["audit"]).ended(0).out.is_empty());
    run(&machine, KEY, &["log", "verify"]).ended(0);
    let doctor = run(&machine, KEY, &["doctor", "--offline"]).out;
    assert!(doctor.contains("encrypted under key"), "{doctor}");
    for (key, why) in [("", "is encrypted under key"), (OTHER, "and the one given is")] {
        for arguments in [["runs"].as_slice(), &["log", "verify"], &["db", "rebuild"]] {
            let refused = run(&machine, key, arguments).ended(2);
            assert!(refused.err.contains(why) && refused.err.contains("next:"), "{}", refused.err);
        }
        let doctor = run(&machine, key, &["doctor", "--offline"]).ended(1).out;
        assert!(doctor.contains(why), "{doctor}");
    }
}

#[test]
fn the_key_is_named_in_the_configuration_and_never_written_there() {
    let machine = Machine::new();
    let config = machine.path("config.toml");
    let with = |text: &str| {
        std::fs::write(&config, text).unwrap();
        machine.run(&["--config", config.to_str().unwrap(), "db", "migrate"])
    };
    let literal = with(&format!("[store]\nkey = \"{KEY}\"\n")).ended(2);
    assert!(literal.err.contains("store.key: a secret has no place") && !literal.err.contains(KEY), "{}", literal.err);
    let missing = with("[store]\nkey = { file = \"nowhere.key\" }\n").ended(2);
    assert!(missing.err.contains("nowhere.key"), "{}", missing.err);
    with(&format!("[store]\nkey = {{ command = [\"echo\", \"{KEY}\"] }}\n")).ended(0);
    run(&machine, KEY, &["log", "verify"]).ended(0);
    machine.run(&["log", "verify"]).ended(2);
}

#[test]
fn somebody_is_exported_then_erased() {
    let machine = Machine::new();
    let key = |arguments: &[&str]| run(&machine, KEY, arguments);
    check(&machine, "ana-canaryname");
    check(&machine, "bo");
    let file = machine.path("ana.ndjson");
    key(&["subject", "export", "ana-canaryname", "-o", file.to_str().unwrap()]).ended(0);
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).count();
    assert_eq!((kinds("run"), kinds("approval"), kinds("end")), (1, 1, 1));
    let (last, before) = lines.split_last().unwrap();
    assert_eq!((last["lines"].as_u64(), last["head"]["hash"].as_str().unwrap().len()), (Some(before.len() as u64), 64));
    assert!(text.contains("keep-the-readings") && !text.contains("person:bo"), "{text}");
    let exported = key(&["subject", "export", "ana-canaryname"]).ended(0).out;
    assert_eq!(exported, text);
    assert!(key(&["subject", "export", "nobody"]).ended(2).err.contains("holds nothing"));

    let unasked = key(&["subject", "erase", "ana-canaryname"]).ended(2);
    assert!(unasked.err.contains("--yes"), "{}", unasked.err);
    let erased = key(&["subject", "erase", "ana-canaryname", "--yes", "--json"]).ended(0).json().remove(0);
    let pseudonym = erased["pseudonym"].as_str().unwrap();
    assert!(pseudonym.starts_with("erased-") && erased["rows"] == 2, "{erased}");
    assert!(key(&["subject", "erase", "ana-canaryname", "--yes"]).ended(2).err.contains("holds nothing"));

    let log = key(&["log", "export"]).ended(0).out;
    assert!(!log.contains("ana-canaryname") && log.contains(pseudonym) && log.contains("\"type\":\"erased\""), "{log}");
    assert!(log.contains("person:bo") && log.contains("keep-the-readings"));
    key(&["log", "verify"]).ended(0);
    key(&["db", "rebuild"]).ended(0);
    key(&["log", "verify"]).ended(0);
    let runs = key(&["runs", "--json"]).ended(0).json();
    assert_eq!(runs.len(), 1, "{runs:?}");
    let tail = key(&["log", "tail", "-n", "500"]).ended(0).out;
    let first = tail.lines().next().unwrap();
    assert!(first.contains(pseudonym) && first.ends_with("run.started"), "{first}");
    assert!(tail.contains("access.subject_erased"), "{tail}");
    assert!(key(&["audit"]).ended(0).out.contains(pseudonym));
}

#[test]
fn who_may_erase_and_where() {
    let machine = Machine::new();
    machine.run_with_input(&["accounts", "add", "ana", "--role", "owner"], PASSWORD).ended(0);
    let plain = machine.run(&["subject", "erase", "ana", "--yes"]).ended(2);
    assert!(plain.err.contains("not encrypted") && plain.err.contains("copy this one into it"), "{}", plain.err);
    assert!(machine.run(&["subject", "export", "ana"]).ended(0).out.contains("\"kind\":\"account\""));

    let machine = Machine::new();
    let key = |arguments: &[&str]| run(&machine, KEY, arguments);
    key(&["accounts", "add", "ana", "--role", "owner", "--no-password"]).ended(0);
    key(&["accounts", "add", "bo", "--role", "admin", "--no-password"]).ended(0);
    let refused = key(&["--as", "bo", "subject", "erase", "bo", "--yes"]).ended(3);
    assert!(refused.err.contains("admin may not erase"), "{}", refused.err);
    let last = key(&["subject", "erase", "ana", "--yes"]).ended(3);
    assert!(last.err.contains("last owner"), "{}", last.err);
    key(&["subject", "erase", "bo", "--yes"]).ended(0);
    let names: Vec<_> = key(&["accounts", "--json"]).ended(0).json().iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, ["ana"]);
    key(&["accounts", "add", "bo", "--role", "viewer", "--no-password"]).ended(0);
}
