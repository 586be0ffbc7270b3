//! A plan's limit of runs, kept by four processes that start runs at the same time.

use morningai::domain::*;
use morningai::kinds::*;
use morningai::runtime::Role;

use super::desk::*;

const LIMIT: u64 = 17;

fn limited() -> RunSpec {
    let now = chrono::Utc::now();
    let quota = Quota {
        plan: "Free".to_owned(),
        runs: LIMIT,
        from: now.date_naive() - chrono::TimeDelta::days(1),
        resets: now + chrono::TimeDelta::days(1),
        hint: "Starter has 100 runs a month".to_owned(),
    };
    let spec = procedure(&["finish"]);
    RunSpec { limits: Limits { quota: Some(quota), ..spec.limits.clone() }, ..spec }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_starts_at_once_from_four_processes_admit_exactly_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let desk = Desk::start(Desk::open(&path).await, &[], Vec::new(), Role::Clerk).await;
        for _ in 0..50 {
            let runtime = desk.runtime.clone();
            let start = RunVerb::Start { spec: Box::new(limited()) }.on(RunId(uuid::Uuid::now_v7()));
            tasks.spawn(async move { runtime.submit(start, ana()).await });
        }
    }
    let outcomes = tasks.join_all().await;
    let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(refused.clone().all(|rejection| rejection.kind == RejectionKind::NotAllowed), "{outcomes:?}");
    assert_eq!((outcomes.len() as u64, refused.count() as u64), (200, 200 - LIMIT));
    let late = Desk::start(Desk::open(&path).await, &[], Vec::new(), Role::Clerk).await;
    let snapshot = late.until("all runs", |snapshot| snapshot.runs.len() as u64 == LIMIT).await;
    assert_eq!(snapshot.spend.values().map(|day| day.runs).sum::<u64>(), LIMIT);
}
