//! Who works on a run, when several may: clocks that are wrong, workers that are slow, and one that is lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::TimeDelta;
use morningai::domain::*;
use morningai::kinds::*;
use morningai::runtime::Role;
use tokio::sync::Semaphore;

use super::desk::*;
use crate::support::hooked::{Call, Hook, Hooked};

/// Lets a test wait until somebody has asked for leases a number of times.
struct Asked(Semaphore);

#[async_trait]
impl Hook for Asked {
    async fn after(&self, call: Call) {
        if matches!(call, Call::Claim(_)) {
            self.0.add_permits(1);
        }
    }
}

fn clock(hours: i64) -> Arc<SkewedClock> {
    let clock = SkewedClock::default();
    *clock.0.lock().unwrap() = TimeDelta::hours(hours);
    Arc::new(clock)
}

fn once() -> Counter {
    Counter::new("check", EffectClass::Workspace, Repeat::Once)
}

#[tokio::test]
async fn a_worker_whose_clock_is_wrong_takes_no_run_from_another() {
    for hours in [-1, 1] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.db");
        let tool = once().held();
        let (gate, begun, counter) = (tool.gate.clone(), tool.begun.clone(), tool.happened.clone());
        let turns: &[&[&str]] = &[&[], &["check"], &["finish"]];
        let right = Desk::start(Desk::open(&path).await, turns, vec![tool], Role::Worker).await;
        let run = right.begin().await;
        begun.acquire().await.unwrap().forget();

        let asked = Arc::new(Hooked { log: Desk::open(&path).await, hook: Asked(Semaphore::new(0)) });
        let wrong = Desk::start_with(asked.clone(), &[], vec![once()], Role::Worker, 3600, clock(hours)).await;
        asked.hook.0.acquire_many(3).await.unwrap().forget();
        gate.add_permits(1);
        right.until_state(run, RunState::Succeeded).await;
        assert_eq!(counter.load(std::sync::atomic::Ordering::SeqCst), 1);
        let kinds = kinds(right.log.as_ref(), run).await;
        assert!(!kinds.contains(&"run.recovered") && !kinds.contains(&"run.effect_in_doubt"), "{kinds:?}");
        drop(wrong);
    }
}

/// Asks without a pause for what changes nothing.
async fn flood(desk: Arc<Desk>) {
    loop {
        let nobodys = ApprovalVerb::Deny { reason: "".into() }.on(ApprovalId(uuid::Uuid::max()));
        assert!(desk.runtime.submit(nobodys, ana()).await.is_err());
    }
}

/// In real time: five seconds from the loss of a worker to the question, whatever the time was where it ran, and
/// however much else the next one is asked.
#[test]
fn what_a_lost_worker_left_is_shown_as_unknown_within_five_seconds() {
    for hours in [-1, 0, 1] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.db");
        let process = tokio::runtime::Runtime::new().unwrap();
        let run = process.block_on(async {
            let tool = once().held();
            let begun = tool.begun.clone();
            let turns: &[&[&str]] = &[&[], &["check"]];
            let log = Desk::open(&path).await;
            let desk = Desk::start_with(log, turns, vec![tool], Role::Worker, 3600, clock(hours)).await;
            let run = desk.begin().await;
            begun.acquire().await.unwrap().forget();
            run
        });
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let desk = Arc::new(Desk::start(Desk::open(&path).await, &[], vec![once()], Role::Worker).await);
            let flood = tokio::spawn(flood(desk.clone()));
            process.shutdown_background();
            let lost = Instant::now();
            desk.until_state(run, RunState::InDoubt).await;
            assert!(lost.elapsed() <= Duration::from_secs(5), "after {:?}", lost.elapsed());
            flood.abort();
        });
    }
}

#[tokio::test]
async fn a_dry_run_longer_than_a_lease_keeps_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let mut slow = Counter::new("read", EffectClass::Observe, Repeat::Repeatable);
    slow.dry_run = Duration::from_secs(4);
    let (again, counter) = (slow.again(), slow.happened.clone());
    let turns: &[&[&str]] = &[&[], &["read"], &["finish"]];
    let desk = Desk::start(Desk::open(&path).await, turns, vec![slow], Role::Worker).await;
    let run = desk.begin().await;
    let other = Desk::start(Desk::open(&path).await, &[], vec![again], Role::Worker).await;
    desk.until_state(run, RunState::Succeeded).await;
    assert_eq!(counter.load(std::sync::atomic::Ordering::SeqCst), 1);
    let kinds = kinds(desk.log.as_ref(), run).await;
    assert_eq!(kinds.iter().filter(|kind| **kind == "run.effect_started").count(), 1, "{kinds:?}");
    drop(other);
}
