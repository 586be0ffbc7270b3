//! A copy that is killed half way leaves nothing, and the next one does all of it.

use std::process::Child;
use std::time::Duration;
use std::time::Instant;

use sqlx::Connection;

use super::store::database_rows;
use super::store::is_empty;
use super::store::rows;
use super::store::store_of;
use super::store::with_runs;
use crate::support::postgres::Database;
use crate::support::postgres::PROGRAM;

/// How many processes of the program wait for a lock in this database.
async fn waiting(database: &Database) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'program'
               AND wait_event_type = 'Lock'";
    sqlx::query_scalar(sql).fetch_one(&mut database.connect("postgres").await).await.unwrap()
}

/// Waits until the copy stands before a lock that somebody else holds, and kills it there.
async fn kill_where_it_waits(database: &Database, copying: &mut Child) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while waiting(database).await == 0 {
        assert!(copying.try_wait().unwrap().is_none(), "it ended before it came to the lock");
        assert!(Instant::now() < deadline, "it never came to the lock");
    }
    copying.kill().unwrap();
    copying.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_way_to_postgres() {
    let machine = with_runs().await;
    let database = Database::migrated().await;
    let postgres = database.url(PROGRAM);
    // Somebody is about to take the place of an output; by then the events are there.
    let mut other = database.connect("postgres").await;
    let mut taking = other.begin().await.unwrap();
    let take = "INSERT INTO morningai.blob VALUES ('local', sha256('a long output'), 'x')";
    sqlx::query(take).execute(&mut *taking).await.unwrap();
    let mut copying = machine.command(&["db", "copy", &postgres]).spawn().unwrap();
    kill_where_it_waits(&database, &mut copying).await;
    taking.rollback().await.unwrap();
    machine.run(&["db", "copy", &postgres]).ended(0);
    machine.run(&["--db", &postgres, "db", "copy", "back.db"]).ended(0);
    assert_eq!(rows(&machine.path("back.db"), "local").await, rows(&store_of(&machine), "local").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_way_to_a_file() {
    let machine = with_runs().await;
    let database = Database::migrated().await;
    let postgres = database.url(PROGRAM);
    machine.run(&["db", "copy", &postgres]).ended(0);
    assert!(!is_empty(&database_rows(&database, "local").await));
    // Nobody reads the rows for a while; by then the events are in the file.
    let mut other = database.connect("postgres").await;
    let mut holding = other.begin().await.unwrap();
    sqlx::query("LOCK TABLE morningai.projection IN ACCESS EXCLUSIVE MODE").execute(&mut *holding).await.unwrap();
    for arguments in [["db", "copy", "back.db"], ["db", "backup", "backup.db"]] {
        let arguments = [&["--db", postgres.as_str()][..], &arguments].concat();
        let mut copying = machine.command(&arguments).spawn().unwrap();
        kill_where_it_waits(&database, &mut copying).await;
    }
    holding.rollback().await.unwrap();
    assert!(is_empty(&rows(&machine.path("back.db"), "local").await), "half a copy is there");
    assert!(!machine.path("backup.db").exists(), "half a backup has the name of a whole one");
    machine.run(&["--db", &postgres, "db", "copy", "back.db"]).ended(0);
    machine.run(&["--db", &postgres, "db", "backup", "backup.db"]).ended(0);
    for file in ["back.db", "backup.db"] {
        assert_eq!(rows(&machine.path(file), "local").await, rows(&store_of(&machine), "local").await, "{file}");
    }
}
