//! `log verify` reads the outputs too: changed ones and missing ones are named, in either store.

use morningai::domain::BlobId;

use super::store::{store_of, with_runs};
use crate::store_tamper::raw_sql;
use crate::support::machine::Machine;
use crate::support::postgres::{Database, PROGRAM};

/// What `log verify` says of a store with one output.
fn verify(machine: &Machine, db: &str, code: i32) -> String {
    let listed = machine.run(&["--json", "--db", db, "log", "verify"]).ended(code).json().remove(0);
    let ran = machine.run(&["--db", db, "log", "verify"]).ended(code);
    assert_eq!(listed["intact"].as_bool(), Some(code == 0), "{listed}");
    assert_eq!(listed["outputs"].as_array().unwrap().is_empty(), code == 0, "{listed}");
    ran.out + &ran.err
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_or_missing_output_is_found_in_a_file() {
    let machine = with_runs().await;
    let db = store_of(&machine).display().to_string();
    let id = BlobId::of(b"a long output").0;
    assert!(verify(&machine, &db, 0).contains("and 1 output,"));
    raw_sql(&store_of(&machine), "UPDATE blob SET content = x'00'").await;
    let said = verify(&machine, &db, 1);
    assert!(said.contains(&format!("output {id} in {db} is not what was stored")) && said.contains("next:"), "{said}");
    raw_sql(&store_of(&machine), "DELETE FROM blob").await;
    let said = verify(&machine, &db, 1);
    assert!(said.contains(&format!("output {id} is missing, which event ")), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_or_missing_output_is_found_in_postgres() {
    let machine = with_runs().await;
    let database = Database::migrated().await;
    let db = database.url(PROGRAM);
    machine.run(&["db", "copy", &db]).ended(0);
    let id = BlobId::of(b"a long output").0;
    assert!(verify(&machine, &db, 0).contains("and 1 output,"));
    database.sql("postgres", "UPDATE morningai.blob SET content = '\\x00'").await;
    let said = verify(&machine, &db, 1);
    assert!(said.contains(&format!("output {id} in ")) && said.contains("is not what was stored"), "{said}");
    database.sql("postgres", "DELETE FROM morningai.blob").await;
    let said = verify(&machine, &db, 1);
    assert!(said.contains(&format!("output {id} is missing, which event ")), "{said}");
}
