//! What is appended with a change beside the log takes turns with the orchestrator's writer.

use std::sync::Arc;
use std::time::Duration;

use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::{AccountRows, Log};
use morningai::runtime::Role;
use morningai::store::{OpenMode, SqliteLog};

use super::desk::*;
use crate::accounts_contract::{account, created};

async fn open(dir: &std::path::Path) -> Arc<SqliteLog> {
    Arc::new(SqliteLog::open(&dir.join("log.db"), Tenant::default(), OpenMode::ReadWrite).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writer_waits_for_a_turn_and_reads_what_came_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).await;
    let desk = Desk::start(log.clone(), &[], vec![], Role::Clerk).await;
    let run = desk.begin().await;
    let accounts = desk.runtime.turns().accounts(log.clone());
    let told = accounts.commit(created(&account(1, "ana"))).await.unwrap();
    assert_eq!((told[0].seq, told[0].version), (2, 1));
    desk.until("the account's event", |snapshot| snapshot.cursor == 2).await;

    let (let_go, held) = tokio::sync::oneshot::channel::<()>();
    let turns = desk.runtime.turns();
    let holding = tokio::spawn(async move { turns.take(held).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let pause = tokio::spawn({
        let runtime = desk.runtime.clone();
        async move { runtime.submit(RunVerb::Pause.on(run), ana()).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((pause.is_finished(), log.head().await.unwrap().seq), (false, 2));
    let_go.send(()).unwrap();
    holding.await.unwrap().unwrap();
    assert_eq!(pause.await.unwrap().unwrap()[0].seq, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_changes_and_decisions_at_once_all_get_their_turn() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).await;
    let desk = Desk::start(log.clone(), &[], vec![], Role::Clerk).await;
    let accounts = desk.runtime.turns().accounts(log.clone());
    let people = (1..=20).map(|number| {
        let accounts = accounts.clone();
        async move { accounts.commit(created(&account(number, &format!("p{number}")))).await.unwrap().len() }
    });
    let runs = (0..20).map(|_| desk.begin());
    let (people, runs) = tokio::join!(futures::future::join_all(people), futures::future::join_all(runs));
    assert_eq!((people.iter().sum::<usize>(), runs.len()), (20, 20));
    let snapshot = desk.until("all of it", |snapshot| snapshot.cursor == 40).await;
    assert_eq!(snapshot.runs.len(), 20);
    assert_eq!(log.verify(&[]).await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn where_no_writer_is_left_nobody_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).await;
    let desk = Desk::start(log.clone(), &[], vec![], Role::Clerk).await;
    let accounts = desk.runtime.turns().accounts(log.clone());
    desk.runtime.shut_down(Duration::from_secs(5)).await;
    accounts.commit(created(&account(1, "ana"))).await.unwrap();
    assert_eq!(log.accounts().await.unwrap().len(), 1);
}
