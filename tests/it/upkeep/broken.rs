//! Copies that must not be made: into a place that is taken, of a log that is not what was written.

use morningai::ports::Log;

use super::store::{database_rows, is_empty, open, rows, store_of, with_runs};
use crate::store_contract::{append_one, run};
use crate::store_tamper::raw_sql;
use crate::support::postgres::{Database, LOCKED, OWNER, PROGRAM};

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_not_empty_is_left_as_it_is() {
    let machine = with_runs().await;
    let database = Database::migrated().await;
    let log = database.open_log().await;
    append_one(&log, run(5), 1, "was here before").await;
    log.close().await.unwrap();
    let before = database_rows(&database, "local").await;
    let refused = machine.run(&["db", "copy", &database.url(PROGRAM)]).ended(2);
    assert!(refused.err.contains("is not empty: it has events") && refused.err.contains("next:"), "{}", refused.err);
    assert_eq!(database_rows(&database, "local").await, before);

    // One output is enough to be somebody's.
    let log = open(&machine.path("taken.db"), "local").await;
    log.put_blob(b"somebody's").await.unwrap();
    log.close().await.unwrap();
    let before = rows(&machine.path("taken.db"), "local").await;
    let refused = machine.run(&["db", "copy", "sqlite:taken.db"]).ended(2);
    assert!(refused.err.contains("it has outputs"), "{}", refused.err);
    assert_eq!(rows(&machine.path("taken.db"), "local").await, before);
    // Onto itself.
    machine.run(&["db", "copy", &store_of(&machine).display().to_string()]).ended(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_of_a_newer_program_or_of_another_one_is_refused() {
    let machine = with_runs().await;
    let database = Database::migrated().await;
    database.sql(OWNER, "COMMENT ON SCHEMA morningai IS 'morningai store, version 99'").await;
    open(&machine.path("newer.db"), "local").await.close().await.unwrap();
    raw_sql(&machine.path("newer.db"), "PRAGMA user_version = 99").await;
    raw_sql_new(&machine.path("other.db"), "CREATE TABLE theirs (x)").await;
    for (target, why) in [
        (database.url(PROGRAM), "version 99, this program knows versions up to"),
        ("newer.db".to_owned(), "version 99, this program knows versions up to"),
        ("other.db".to_owned(), "a database of another program"),
        ("mysql://ana:hunter2@h/d".to_owned(), "a store cannot be kept here"),
    ] {
        let refused = machine.run(&["db", "copy", &target]).ended(2);
        assert!(refused.err.contains(why) && !refused.err.contains("hunter2"), "{target}: {}", refused.err);
    }
}

async fn raw_sql_new(path: &std::path::Path, sql: &str) {
    std::fs::File::create_new(path).unwrap();
    raw_sql(path, sql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_the_rights_copies_nothing() {
    let machine = with_runs().await;
    let database = Database::migrated().await;
    let url = database.url(LOCKED).replace("locked@", "locked:locked@");
    let refused = machine.run(&["db", "copy", &url]).ended(2);
    assert!(refused.err.contains("the role locked may not write"), "{}", refused.err);
    database.grant(LOCKED).await.unwrap();
    database.sql(OWNER, "REVOKE INSERT ON morningai.blob FROM locked").await;
    let refused = machine.run(&["db", "copy", &url]).ended(2);
    assert!(refused.err.contains("may not write"), "{}", refused.err);
    assert!(is_empty(&database_rows(&database, "local").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_changed_is_not_copied() {
    let machine = with_runs().await;
    raw_sql(&store_of(&machine), "UPDATE event SET actor = 'person:eve' WHERE seq = 3").await;
    let database = Database::migrated().await;
    let refused = machine.run(&["db", "copy", &database.url(PROGRAM)]).ended(1);
    assert!(
        refused.err.contains("was changed after it was written") && refused.err.contains("event 3 "),
        "{}",
        refused.err
    );
    assert!(is_empty(&database_rows(&database, "local").await));
    machine.run(&["db", "copy", "copy.db"]).ended(1);
    assert!(is_empty(&rows(&machine.path("copy.db"), "local").await));
    // Cut, which shows only against the head that was saved beside it.
    let cut = with_runs().await;
    raw_sql(
        &store_of(&cut),
        "UPDATE head SET hash = (SELECT prev FROM event WHERE seq = 5), seq = 4; DELETE FROM event WHERE seq > 4",
    )
    .await;
    let refused = cut.run(&["db", "copy", "copy.db"]).ended(1);
    assert!(refused.err.contains("it was cut"), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_known_of_a_place_is_not_forgotten_for_a_copy() {
    let machine = with_runs().await;
    machine.run(&["db", "copy", "old.db"]).ended(0);
    // The log in it goes on, and then the file is lost; what was saved beside it is not.
    let log = open(&machine.path("old.db"), "local").await;
    append_one(&log, run(2), 1, "the last word").await;
    log.close().await.unwrap();
    std::fs::remove_file(machine.path("old.db")).unwrap();
    let refused = machine.run(&["db", "copy", "old.db"]).ended(1);
    assert!(refused.err.contains("it was cut") && refused.err.contains(".head"), "{}", refused.err);
    assert!(is_empty(&rows(&machine.path("old.db"), "local").await));
    std::fs::remove_file(machine.path("old.db.head")).unwrap();
    machine.run(&["db", "copy", "old.db"]).ended(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_with_nothing_is_taken_for_a_slip() {
    let machine = with_runs().await;
    let refused = machine.run(&["--tenant", "lcoal", "db", "copy", "copy.db"]).ended(2);
    assert!(refused.err.contains("nothing of this tenant") && refused.err.contains("--tenant"), "{}", refused.err);
    let refused = crate::support::machine::Machine::new().run(&["db", "copy", "copy.db"]).ended(1);
    assert!(refused.err.contains("there is no store yet"), "{}", refused.err);
}
