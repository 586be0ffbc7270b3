//! Somebody changes the log in Postgres with a tool of their own: `verify` says so, and where.

use morningai::ports::{Log, VerifyReport};

use crate::store_contract::{append_one, batch, paused, run};
use crate::support::postgres::Database;

const EVENTS: u64 = 6;

/// Passes every policy and holds every right.
const INTRUDER: &str = "postgres";

/// What `verify` says after six events were written, the store closed, and `sql` run on the database.
async fn report_after(sql: &str) -> VerifyReport {
    let database = Database::migrated().await;
    let log = database.open_log().await;
    let events = (1..=EVENTS).map(|version| paused(run(1), version, &format!("event {version}"))).collect();
    log.append(batch(0, events)).await.unwrap();
    log.close().await.unwrap();
    database.sql(INTRUDER, sql).await;
    database.open_log().await.verify(&[]).await.unwrap()
}

#[tokio::test]
async fn an_untouched_log_is_sound_and_was_checked_against_its_saved_head() {
    let report = report_after("SELECT 1").await;
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!((report.events, report.checked), (EVENTS, vec![report.head]));
}

#[tokio::test]
async fn a_changed_event_is_named() {
    for change in [
        "UPDATE morningai.event SET body = replace(body, 'event 3', 'event X') WHERE seq = 3",
        "UPDATE morningai.event SET at = at + 1 WHERE seq = 3",
        "UPDATE morningai.event SET actor = 'person:eve' WHERE seq = 3",
        "UPDATE morningai.event SET stream = '\\x61'::bytea || substr(stream, 2) WHERE seq = 3",
        "UPDATE morningai.event SET hash = sha256('') WHERE seq = 3",
    ] {
        let report = report_after(change).await;
        assert!(report.problems[0].starts_with("event 3 "), "{change}: {:?}", report.problems);
    }
    let last = report_after("UPDATE morningai.event SET at = at + 1 WHERE seq = 6").await;
    assert!(last.problems[0].contains("event 6"), "{:?}", last.problems);
}

#[tokio::test]
async fn a_removed_an_inserted_and_a_moved_event_are_named() {
    let report = report_after("DELETE FROM morningai.event WHERE seq IN (2, 3)").await;
    assert_eq!(report.problems[0], "events 2 to 3 are missing");
    let inserted = "INSERT INTO morningai.event
                    SELECT tenant, 7, stream, 7, at, actor, hash, hash, body FROM morningai.event WHERE seq = 6";
    let report = report_after(inserted).await;
    assert!(report.problems[0].starts_with("event 7 carries another SHA-256"), "{report:?}");
    let swap = "UPDATE morningai.event SET seq = 100 WHERE seq = 3;
                UPDATE morningai.event SET seq = 3 WHERE seq = 4;
                UPDATE morningai.event SET seq = 4 WHERE seq = 100";
    let report = report_after(swap).await;
    assert!(report.problems[0].starts_with("event 2 is not the row that event 3 follows"), "{report:?}");
}

#[tokio::test]
async fn a_cut_log_shows_against_the_head_saved_outside_even_when_the_one_inside_was_cut_too() {
    let careless = report_after("DELETE FROM morningai.event WHERE seq > 4").await;
    assert_eq!(careless.problems, ["a head was saved at event 6, but the log ends at event 4: it was cut"]);
    let careful = "DELETE FROM morningai.event WHERE seq > 4; DELETE FROM morningai.head";
    assert_eq!(report_after(careful).await.problems, careless.problems);
}

#[tokio::test]
async fn a_cut_log_shows_in_another_place_too() {
    let mut database = Database::migrated().await;
    let log = database.open_log().await;
    for version in 1..=3 {
        append_one(&log, run(1), version, "x").await;
    }
    log.close().await.unwrap();
    database.sql(INTRUDER, "DELETE FROM morningai.event WHERE seq > 1").await;
    // A computer that has never seen this log knows only what the database says of itself.
    database.data = tempfile::tempdir().unwrap();
    let report = database.open_log().await.verify(&[]).await.unwrap();
    assert_eq!(report.problems, ["a head was saved at event 3, but the log ends at event 1: it was cut"]);
}

#[tokio::test]
async fn evidence_of_a_cut_survives_later_appends() {
    let database = Database::migrated().await;
    let log = database.open_log().await;
    for version in 1..=4 {
        append_one(&log, run(1), version, "as it was").await;
    }
    log.close().await.unwrap();
    database.sql(INTRUDER, "DELETE FROM morningai.event WHERE seq > 2; DELETE FROM morningai.head").await;
    let log = database.open_log().await;
    for version in 3..=5 {
        append_one(&log, run(1), version, "as somebody wants it").await;
    }
    log.close().await.unwrap();
    let report = database.open_log().await.verify(&[]).await.unwrap();
    assert_eq!(report.checked.iter().map(|head| head.seq).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(report.problems, ["the log up to event 4 is not the one whose head was saved there"]);
}

#[tokio::test]
async fn a_changed_output_is_not_given_out() {
    let database = Database::migrated().await;
    let log = database.open_log().await;
    let id = log.put_blob(b"true output").await.unwrap();
    database.sql(INTRUDER, "UPDATE morningai.blob SET content = '\\x00'").await;
    let error = log.get_blob(&id).await.unwrap_err();
    assert!(error.message.contains(&id.0), "{}", error.message);
}
