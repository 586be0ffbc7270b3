//! What scripts and files on people's disks rely on: a store that an earlier program left, and all that it printed of it.

use serde_json::Value;

use crate::support::machine::Machine;
use crate::support::postgres::{Database, OWNER, PROGRAM};

/// Commands that print JSON, and what the program that made the store printed.
const PRINTED: [(&[&str], &str); 4] = [
    (&["runs", "--json"], include_str!("../fixtures/store-4/runs.ndjson")),
    (&["approvals", "--all", "--json"], include_str!("../fixtures/store-4/approvals.ndjson")),
    (&["audit", "--json"], include_str!("../fixtures/store-4/audit.ndjson")),
    (&["log", "tail", "--json", "-n", "500"], include_str!("../fixtures/store-4/log.ndjson")),
];
const SHOWN: &str = include_str!("../fixtures/store-4/shown.ndjson");

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What is missing from `now` or has another value than `before`. New fields may be added.
fn changes(path: &str, before: &Value, now: &Value, found: &mut Vec<String>) {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => {
            for (name, value) in before {
                let path = format!("{path}.{name}");
                match now.get(name) {
                    Some(now) => changes(&path, value, now, found),
                    None => found.push(format!("{path} is gone")),
                }
            }
        }
        (Value::Array(before), Value::Array(now)) if before.len() == now.len() => {
            for (index, (before, now)) in before.iter().zip(now).enumerate() {
                changes(&format!("{path}[{index}]"), before, now, found);
            }
        }
        (before, now) if before == now => {}
        (before, now) => found.push(format!("{path} was {before} and is {now}")),
    }
}

fn prints_what_it_did(machine: &Machine) {
    for (arguments, before) in PRINTED {
        let (before, now) = (lines(before), machine.run(arguments).ended(0).json());
        let mut found = Vec::new();
        changes(arguments[0], &before.into(), &now.into(), &mut found);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
    for before in lines(SHOWN) {
        let now = machine.run(&["runs", "show", before["id"].as_str().unwrap(), "--json"]).ended(0).json();
        let mut found = Vec::new();
        changes("run", &before, &now[0], &mut found);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

async fn machine_with_the_store() -> Machine {
    let machine = Machine::new();
    std::fs::create_dir_all(machine.path("data")).unwrap();
    let sql = include_str!("../fixtures/store-4/store.sql");
    crate::store::raw_sql_creating(&machine.path("data/morningai.db"), sql).await;
    machine.run(&["db", "migrate"]).ended(0);
    machine
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_an_earlier_program_reads_verifies_and_rebuilds_to_the_same() {
    let machine = machine_with_the_store().await;
    prints_what_it_did(&machine);
    let verified = machine.run(&["log", "verify", "--json"]).ended(0).json();
    assert_eq!(verified[0]["events"], 117, "{verified:?}");
    assert_eq!(verified[0]["rows"], serde_json::json!([]), "the rows it left are what its log adds up to");
    machine.run(&["db", "rebuild"]).ended(0);
    prints_what_it_did(&machine);
}

#[tokio::test(flavor = "multi_thread")]
async fn copied_to_postgres_it_is_the_same() {
    let (machine, database) = (machine_with_the_store().await, Database::migrated().await);
    let owner = database.url(OWNER);
    machine.run(&["db", "copy", &owner]).ended(0);
    let there = Machine::new().with_store(&database.url(PROGRAM));
    prints_what_it_did(&there);
    there.run(&["db", "rebuild"]).ended(0);
    there.run(&["log", "verify"]).ended(0);
    prints_what_it_did(&there);
}
