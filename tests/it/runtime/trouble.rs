//! A store that takes no writes, cancelling, pausing, tools that do not exist, and refusals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::*;
use morningai::runtime::Role;

use super::desk::*;
use crate::support::hooked::{Call, Hook, Hooked};

/// A disk that can be full.
#[derive(Default)]
struct FullDisk {
    is_full: AtomicBool,
}

#[async_trait]
impl Hook for FullDisk {
    async fn before(&self, call: Call) -> Result<(), LogError> {
        match call.writes() && self.is_full.load(Ordering::SeqCst) {
            true => Err(LogError::new(LogErrorKind::NotSaved, "the disk is full", "make room")),
            false => Ok(()),
        }
    }
}

async fn on_a_disk_that_can_be_full(dir: &tempfile::TempDir) -> Arc<Hooked<FullDisk>> {
    Arc::new(Hooked { log: Desk::open(&dir.path().join("log.db")).await, hook: FullDisk::default() })
}

/// A store that cannot be asked anything for a while.
#[derive(Default)]
struct Deaf {
    is_deaf: AtomicBool,
}

#[async_trait]
impl Hook for Deaf {
    async fn before(&self, _call: Call) -> Result<(), LogError> {
        match self.is_deaf.load(Ordering::SeqCst) {
            true => Err(LogError::new(LogErrorKind::Busy, "the server is gone", "wait")),
            false => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_store_that_cannot_even_be_read_is_said_to_be_down_and_to_be_back() {
    let dir = tempfile::tempdir().unwrap();
    let log = Desk::open(&dir.path().join("log.db")).await;
    let deaf = Arc::new(Hooked { log, hook: Deaf::default() });
    let desk = Desk::start(deaf.clone(), &[], vec![], Role::Worker).await;
    let (_, mut feed) = desk.runtime.open();
    // Of an approval that is not in memory, so that it has to be read before anything can be decided.
    let deny = || ApprovalVerb::Deny { reason: "no".into() }.on(ApprovalId(uuid::Uuid::max()));
    deaf.hook.is_deaf.store(true, Ordering::SeqCst);
    assert_eq!(desk.runtime.submit(deny(), ana()).await.unwrap_err().kind, RejectionKind::NotSaved);
    assert!(matches!(feed.recv().await.unwrap(), FeedItem::StoreDown { .. }));
    deaf.hook.is_deaf.store(false, Ordering::SeqCst);
    assert!(matches!(feed.recv().await.unwrap(), FeedItem::StoreBack));
    assert_ne!(desk.runtime.submit(deny(), ana()).await.unwrap_err().kind, RejectionKind::NotSaved);
}

/// A store that lost what was saved, as a fail-over to a standby can leave it; it takes writes as ever.
#[derive(Default)]
struct Forgetful {
    has_lost: AtomicBool,
}

#[async_trait]
impl Hook for Forgetful {
    async fn before(&self, call: Call) -> Result<(), LogError> {
        match self.has_lost.load(Ordering::SeqCst) && matches!(call, Call::Append | Call::Read) {
            true => Err(LogError::new(LogErrorKind::Lost, "what was saved is gone", "start it again")),
            false => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_store_that_lost_what_was_saved_is_said_so_once_and_never_to_be_back() {
    let dir = tempfile::tempdir().unwrap();
    let log = Desk::open(&dir.path().join("log.db")).await;
    let forgetful = Arc::new(Hooked { log, hook: Forgetful::default() });
    let desk = Desk::start(forgetful.clone(), &[], vec![], Role::Clerk).await;
    let run = desk.begin().await;
    let (_, mut feed) = desk.runtime.open();
    let cancel = || desk.runtime.submit(RunVerb::Cancel { reason: "enough".to_owned() }.on(run), ana());
    forgetful.hook.has_lost.store(true, Ordering::SeqCst);
    assert_eq!(cancel().await.unwrap_err().kind, RejectionKind::NotSaved);
    match feed.recv().await.unwrap() {
        FeedItem::StoreDown { reason } => assert_eq!(reason, "what was saved is gone; start it again"),
        other => panic!("{other:?}"),
    }
    // Even where it can be read and written again: what is in memory is not what is in it.
    forgetful.hook.has_lost.store(false, Ordering::SeqCst);
    let more = tokio::time::timeout(std::time::Duration::from_millis(2_500), feed.recv()).await;
    assert!(more.is_err(), "{more:?}");
    assert_eq!(cancel().await.unwrap_err().kind, RejectionKind::NotSaved);
}

#[tokio::test]
async fn a_full_disk_loses_no_decision_and_no_outcome() {
    let dir = tempfile::tempdir().unwrap();
    let disk = on_a_disk_that_can_be_full(&dir).await;
    let tool = Counter::new("push", EffectClass::External, Repeat::Once).held();
    let (gate, begun, counter) = (tool.gate.clone(), tool.begun.clone(), tool.happened.clone());
    let desk = Desk::start(disk.clone(), &[&[], &["push"], &["finish"]], vec![tool], Role::Worker).await;
    let run = desk.begin().await;
    let approval = desk.open_approval().await;
    let approve = || ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(approval.id);

    disk.hook.is_full.store(true, Ordering::SeqCst);
    let (_, mut feed) = desk.runtime.open();
    let rejection = desk.runtime.submit(approve(), ana()).await.unwrap_err();
    assert_eq!(rejection.kind, RejectionKind::NotSaved);
    assert!(matches!(feed.recv().await.unwrap(), FeedItem::StoreDown { .. }));
    assert!(desk.open_approval().await.state.is_open(), "not saved is not decided");
    assert_eq!(begun.available_permits(), 0, "and nothing began");

    disk.hook.is_full.store(false, Ordering::SeqCst);
    while !matches!(feed.recv().await.unwrap(), FeedItem::StoreBack) {}
    desk.runtime.submit(approve(), ana()).await.unwrap();
    begun.acquire().await.unwrap().forget();
    disk.hook.is_full.store(true, Ordering::SeqCst);
    gate.add_permits(1);
    while !matches!(feed.recv().await.unwrap(), FeedItem::StoreDown { .. }) {}
    disk.hook.is_full.store(false, Ordering::SeqCst);
    desk.until_state(run, RunState::Succeeded).await;
    assert_eq!(counter.load(Ordering::SeqCst), 1, "the outcome was kept until it could be saved");
}

#[tokio::test]
async fn who_asks_while_an_outcome_waits_for_room_is_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let disk = on_a_disk_that_can_be_full(&dir).await;
    let tool = Counter::new("read", EffectClass::Observe, Repeat::Repeatable).held();
    let (gate, begun) = (tool.gate.clone(), tool.begun.clone());
    let desk = Desk::start(disk.clone(), &[&[], &["read"], &["finish"]], vec![tool], Role::Worker).await;
    let run = desk.begin().await;
    begun.acquire().await.unwrap().forget();
    let (_, mut feed) = desk.runtime.open();
    disk.hook.is_full.store(true, Ordering::SeqCst);
    gate.add_permits(1);
    while !matches!(feed.recv().await.unwrap(), FeedItem::StoreDown { .. }) {}
    let cancel = desk.runtime.submit(RunVerb::Cancel { reason: "enough".to_owned() }.on(run), ana());
    let answer = tokio::time::timeout(std::time::Duration::from_secs(10), cancel).await.expect("no answer");
    assert_eq!(answer.unwrap_err().kind, RejectionKind::NotSaved);
    disk.hook.is_full.store(false, Ordering::SeqCst);
    desk.until_state(run, RunState::Succeeded).await;
}

#[tokio::test]
async fn cancelling_stops_what_is_under_way_and_ends_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let tool = Counter::new("read", EffectClass::Observe, Repeat::Repeatable).held();
    let (begun, counter) = (tool.begun.clone(), tool.happened.clone());
    let log = Desk::open(&dir.path().join("log.db")).await;
    let desk = Desk::start(log, &[&[], &["read"]], vec![tool], Role::Worker).await;
    let run = desk.begin().await;
    begun.acquire().await.unwrap().forget();
    desk.runtime.submit(RunVerb::Cancel { reason: "enough".to_owned() }.on(run), ana()).await.unwrap();
    desk.until_state(run, RunState::Cancelled).await;
    assert_eq!(counter.load(Ordering::SeqCst), 0);
    let tail = kinds(desk.log.as_ref(), run).await;
    assert_eq!(tail[tail.len() - 3..], ["run.cancel_requested", "run.call_settled", "run.cancelled"]);
}

#[tokio::test]
async fn a_paused_run_begins_nothing_until_it_is_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let tool = Counter::new("read", EffectClass::Observe, Repeat::Repeatable).held();
    let (gate, begun) = (tool.gate.clone(), tool.begun.clone());
    let log = Desk::open(&dir.path().join("log.db")).await;
    let desk = Desk::start(log, &[&[], &["read"], &["finish"]], vec![tool], Role::Worker).await;
    let run = desk.begin().await;
    begun.acquire().await.unwrap().forget();
    desk.runtime.submit(RunVerb::Pause.on(run), ana()).await.unwrap();
    gate.add_permits(1);
    let settled = |snapshot: &morningai::fold::Snapshot| snapshot.runs[&run].open_calls.is_empty();
    let snapshot = desk.until("the outcome", settled).await;
    assert_eq!(snapshot.runs[&run].state, RunState::Paused);
    desk.runtime.submit(RunVerb::Resume.on(run), ana()).await.unwrap();
    desk.until_state(run, RunState::Succeeded).await;
}

#[tokio::test]
async fn a_paused_run_does_not_wait_for_a_model_that_says_nothing_and_asks_it_again_once_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let log = Desk::open(&dir.path().join("log.db")).await;
    let desk = Desk::start(log, &[&[]], Vec::new(), Role::Worker).await;
    let run = desk.begin().await;
    let turn = |snapshot: &morningai::fold::Snapshot| snapshot.runs[&run].open_turn.as_ref().map(|open| open.turn);
    desk.until("the silent turn", |snapshot| turn(snapshot) == Some(2)).await;
    desk.runtime.submit(RunVerb::Pause.on(run), ana()).await.unwrap();
    let snapshot = desk.until("the end of the turn", |snapshot| turn(snapshot).is_none()).await;
    assert_eq!(snapshot.runs[&run].state, RunState::Paused);
    assert_eq!(kinds(desk.log.as_ref(), run).await.last(), Some(&"run.turn_failed"));
    desk.runtime.submit(RunVerb::Resume.on(run), ana()).await.unwrap();
    desk.until("the turn again", |snapshot| turn(snapshot) == Some(2)).await;
}

#[tokio::test]
async fn a_tool_that_does_not_exist_and_one_that_is_refused_are_answered_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let tool = Counter::new("forbidden", EffectClass::Host, Repeat::Once);
    let counter = tool.happened.clone();
    let log = Desk::open(&dir.path().join("log.db")).await;
    let turns: &[&[&str]] = &[&[], &["make_coffee"], &["forbidden"], &["finish"]];
    let desk = Desk::start(log, turns, vec![tool], Role::Worker).await;
    let run = desk.begin().await;
    desk.until_state(run, RunState::Succeeded).await;
    assert_eq!(counter.load(Ordering::SeqCst), 0);
    let events = desk.log.read_stream(Stream::Run(run), 0, 100).await.unwrap();
    let failures: Vec<_> = events
        .iter()
        .filter_map(|envelope| match &envelope.event {
            Event::Run(RunEvent::CallSettled { result, .. }) => result.failure,
            _ => None,
        })
        .collect();
    assert_eq!(failures, [FailureKind::BadCall, FailureKind::Refused]);
}

#[tokio::test]
async fn many_runs_share_commits() {
    let dir = tempfile::tempdir().unwrap();
    let log = Desk::open(&dir.path().join("log.db")).await;
    let tool = Counter::new("read", EffectClass::Observe, Repeat::Repeatable);
    let counter = tool.happened.clone();
    let desk = Desk::start(log, &[], vec![tool], Role::Worker).await;
    let mut runs = Vec::new();
    for _ in 0..8 {
        runs.push(desk.begin_with(procedure(&["read"; 20])).await);
    }
    for run in runs {
        desk.until_state(run, RunState::Succeeded).await;
    }
    assert_eq!(counter.load(Ordering::SeqCst), 160);
    let report = desk.log.verify(&[]).await.unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
}
