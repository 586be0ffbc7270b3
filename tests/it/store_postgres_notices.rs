//! How one process learns that another committed: by notifications that are shared, may get lost, and are then made
//! good by looking.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use morningai::ports::Log;
use sha2::{Digest, Sha256};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::watch::Receiver;

use crate::accounts_contract::{Commit, account, created};
use crate::store_contract::{append_one, run};
use crate::support::postgres::{Cluster, Database};

/// A lost notification is made good within this time.
const MADE_GOOD: Duration = Duration::from_secs(1);

/// Over this time commits share a notification.
const SHARED: Duration = Duration::from_millis(15);

/// The program's session that listens; waits until there is one besides `gone`.
async fn listener(superuser: &mut sqlx::PgConnection, gone: i32) -> i32 {
    let sql = "SELECT pid FROM pg_stat_activity
               WHERE datname = current_database() AND usename = 'program' AND query ILIKE 'LISTEN%' AND pid <> $1";
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        if let Some(pid) = sqlx::query_scalar(sql).bind(gone).fetch_optional(&mut *superuser).await.unwrap() {
            return pid;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("nobody listens");
}

/// How long after its commit an event was noticed.
async fn noticed_after(head: &mut Receiver<u64>, writing: &dyn Log, version: u64) -> Duration {
    let seq = append_one(writing, run(1), version, "x").await;
    let committed = Instant::now();
    let noticed = tokio::time::timeout(Duration::from_secs(10), head.wait_for(|known| *known >= seq)).await;
    noticed.expect("never noticed").unwrap();
    committed.elapsed()
}

fn channel() -> String {
    format!("morningai_{}", hex::encode(&Sha256::digest("local")[..16]))
}

/// Hears what the program would hear, and when.
async fn ear(database: &Database) -> PgListener {
    let options = PgConnectOptions::new_without_pgpass().socket(&Cluster::shared().dir).username("postgres");
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.database(&database.name));
    let mut ear = PgListener::connect_with(&pool).await.unwrap();
    ear.listen(&channel()).await.unwrap();
    ear
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_that_never_comes_is_made_good_by_looking() {
    let database = Database::migrated().await;
    let (watching, writing) = (database.open_log().await, database.open_log().await);
    let mut superuser = database.connect("postgres").await;
    let mut head = watching.watch_head();
    listener(&mut superuser, 0).await;
    let mut ear = ear(&database).await;
    // Whoever commits may not tell, so whoever listens hears nothing and does not know that something is amiss.
    let silence = "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_notify(text, text) FROM PUBLIC";
    database.sql("postgres", silence).await;
    for version in 1..=5 {
        let after = noticed_after(&mut head, &writing, version).await;
        assert!(after <= MADE_GOOD, "noticed after {after:?}");
    }
    database.sql("postgres", &format!("NOTIFY {}, 'by the test'", channel())).await;
    assert_eq!(ear.recv().await.unwrap().payload(), "by the test", "a notification came before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_loses_its_connection_looks_and_listens_again() {
    let database = Database::migrated().await;
    let (watching, writing) = (database.open_log().await, database.open_log().await);
    let mut superuser = database.connect("postgres").await;
    let mut head = watching.watch_head();
    let mut pid = 0;
    for version in 1..=2 {
        pid = listener(&mut superuser, pid).await;
        sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(&mut superuser).await.unwrap();
        let after = noticed_after(&mut head, &writing, version).await;
        assert!(after <= MADE_GOOD, "noticed after {after:?}");
    }
    listener(&mut superuser, pid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_commits_share_a_notification_and_the_last_is_told_too() {
    let database = Database::migrated().await;
    let log = database.open_log().await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let mut ear = ear(&database).await;
    let listening = tokio::spawn({
        let heard = heard.clone();
        async move {
            while ear.recv().await.is_ok() {
                heard.lock().unwrap().push(Instant::now());
            }
        }
    });
    let began = Instant::now();
    for number in 1..=100 {
        append_one(&log, run(1), number, "x").await;
        log.commit(created(&account(number.into(), &format!("p{number}")))).await.unwrap();
    }
    let last = Instant::now();
    let last_is_told = || heard.lock().unwrap().last().is_some_and(|heard| *heard >= last);
    while !last_is_told() {
        assert!(last.elapsed() < Duration::from_secs(5), "the last commit was not told of");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (count, most) = (heard.lock().unwrap().len(), began.elapsed().as_millis() / SHARED.as_millis() + 1);
    assert!(count as u128 <= most, "{count} notifications of 200 commits in {:?}", began.elapsed());
    listening.abort();
}
