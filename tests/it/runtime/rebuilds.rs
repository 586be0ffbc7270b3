//! The rows computed again while runs go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use morningai::domain::*;
use morningai::runtime::{Role, compare_rows, rebuild};

use super::desk::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_rebuilt_while_runs_go_on_are_what_the_log_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let log = Desk::open(&path).await;
    let tool = Counter::new("step", EffectClass::Observe, Repeat::Repeatable);
    let desk = Desk::start(log.clone(), &[], vec![tool], Role::Worker).await;
    // As another process would, on connections of its own.
    let beside = Desk::open(&path).await;
    let rebuilt = Arc::new(AtomicU32::new(0));
    let count = rebuilt.clone();
    let rebuilding = tokio::spawn(async move {
        while count.load(Ordering::SeqCst) < 3 {
            rebuild(beside.as_ref()).await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    for round in 0.. {
        let mut runs = Vec::new();
        for _ in 0..4 {
            runs.push(desk.begin_with(procedure(&["step"; 25])).await);
        }
        for run in runs {
            desk.until_state(run, RunState::Succeeded).await;
        }
        if rebuilding.is_finished() {
            break;
        }
        assert!(round < 100, "{} rebuilds ended meanwhile", rebuilt.load(Ordering::SeqCst));
    }
    rebuilding.await.unwrap();
    desk.runtime.shut_down(Duration::from_secs(5)).await;
    assert_eq!(compare_rows(log.as_ref()).await.unwrap(), Vec::<String>::new());
}
