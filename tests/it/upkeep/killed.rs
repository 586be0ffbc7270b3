//! A copy, a backup or a trial of one that is killed half way leaves nothing that counts, and the next one does all of
//! it and cleans up behind the other.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::Connection;

use super::store::{database_rows, is_empty, rows, store_of, with_runs};
use crate::support::machine::{Machine, Ran};
use crate::support::postgres::{Database, PROGRAM};

/// How many processes of the program wait for a lock in this database.
async fn waiting(database: &Database) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename <> 'postgres'
               AND wait_event_type = 'Lock'";
    sqlx::query_scalar(sql).fetch_one(&mut database.connect("postgres").await).await.unwrap()
}

/// Waits until the program stands before a lock that somebody else holds, and kills it there.
pub async fn kill_where_it_waits(database: &Database, copying: &mut Child) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while waiting(database).await == 0 {
        assert!(copying.try_wait().unwrap().is_none(), "it ended before it came to the lock");
        assert!(Instant::now() < deadline, "it never came to the lock");
    }
    copying.kill().unwrap();
    copying.wait().unwrap();
    // Its part of the server waits on, and would be taken for that of the next one.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND usename <> 'postgres'";
    database.sql("postgres", end).await;
    while waiting(database).await > 0 {}
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
    assert_eq!(unfinished(machine.home()).len(), 1, "what the backup had begun");
    assert!(is_empty(&rows(&machine.path("back.db"), "local").await), "half a copy is there");
    assert!(!machine.path("backup.db").exists(), "half a backup has the name of a whole one");
    machine.run(&["--db", &postgres, "db", "copy", "back.db"]).ended(0);
    machine.run(&["--db", &postgres, "db", "backup", "backup.db"]).ended(0);
    assert_eq!(unfinished(machine.home()), Vec::<PathBuf>::new());
    for file in ["back.db", "backup.db"] {
        assert_eq!(rows(&machine.path(file), "local").await, rows(&store_of(&machine), "local").await, "{file}");
    }
}

/// What is not whole yet, in a directory.
pub fn unfinished(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(".morningai-unfinished-")).collect()
}

/// Whether something in one of them has been begun, so that whoever made it also holds it.
fn is_begun(directory: &Path) -> bool {
    let has_files = |path: &PathBuf| std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
    unfinished(directory).iter().any(has_files)
}

/// Starts the program until it is caught with something unfinished in a directory, and sends it a signal there.
fn catch(machine: &Machine, arguments: &[&str], directory: &Path, signal: Signal) -> Child {
    for _ in 0..200 {
        let _ = std::fs::remove_file(machine.path("backup.db"));
        let mut child = machine.command(arguments).spawn().unwrap();
        while child.try_wait().unwrap().is_none() {
            if is_begun(directory) {
                let _ = kill_process(Pid::from_child(&child), signal);
                break;
            }
        }
        if signal == Signal::KILL || unfinished(directory).is_empty() {
            child.wait().unwrap();
        }
        if is_begun(directory) && !machine.path("backup.db").exists() {
            return child;
        }
    }
    panic!("{arguments:?} was never caught at it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_one_removes_what_a_killed_one_left() {
    let machine = with_runs().await;
    let data = machine.path("data");
    catch(&machine, &["db", "backup", "backup.db"], machine.home(), Signal::KILL).wait().unwrap();
    machine.run(&["db", "backup", "backup.db"]).ended(0);
    assert_eq!(unfinished(machine.home()), Vec::<PathBuf>::new());
    std::fs::rename(machine.path("backup.db"), machine.path("whole.db")).unwrap();
    catch(&machine, &["db", "restore", "whole.db", "--verify"], &data, Signal::KILL).wait().unwrap();
    machine.run(&["db", "restore", "whole.db", "--verify"]).ended(0);
    assert_eq!(unfinished(&data), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_living_one_works_on_stays() {
    let machine = with_runs().await;
    let slow = catch(&machine, &["db", "backup", "backup.db"], machine.home(), Signal::STOP);
    let its = unfinished(machine.home());
    machine.run(&["db", "backup", "other.db"]).ended(0);
    assert_eq!(unfinished(machine.home()), its);
    kill_process(Pid::from_child(&slow), Signal::CONT).unwrap();
    Ran::from(slow.wait_with_output().unwrap()).ended(0);
    assert_eq!(unfinished(machine.home()), Vec::<PathBuf>::new());
    for file in ["backup.db", "other.db"] {
        machine.run(&["db", "restore", file, "--verify"]).ended(0);
    }
}
