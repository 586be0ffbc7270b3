//! What a lost process leaves under way, for each kind of tool; effects are counted outside the log.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use morningai::domain::*;
use morningai::kinds::*;
use morningai::runtime::Role;

use super::desk::*;
use crate::support::hooked::{Call, Hook, Hooked};

/// Starts a run in a process that is lost in the middle of its first effect. The effect of a `happened` one is done.
fn lose_a_process(path: &Path, tool: &Counter, happened: bool) -> RunId {
    let process = tokio::runtime::Runtime::new().unwrap();
    let name = tool.again().held();
    let (begun, gate, counter) = (name.begun.clone(), name.gate.clone(), name.happened.clone());
    let tool_name = morningai::ports::Tool::spec(&name).name.0.clone();
    let run = process.block_on(async {
        let turns: &[&[&str]] = &[&[], &[tool_name.as_str()]];
        let desk = Desk::start(Desk::open(path).await, turns, vec![name], Role::Worker).await;
        let run = desk.begin().await;
        begun.acquire().await.unwrap().forget();
        drop(gate);
        run
    });
    process.shutdown_background();
    if happened {
        counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
    run
}

/// The next process, after the lost one's lease ran out.
async fn next_process(path: &Path, tool: &Counter, turns: &[&[&str]]) -> Desk {
    let_leases_lapse(path).await;
    Desk::start(Desk::open(path).await, turns, vec![tool.again()], Role::Worker).await
}

fn in_test_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work)
}

#[test]
fn a_repeatable_effect_is_run_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let tool = Counter::new("read", EffectClass::Observe, Repeat::Repeatable);
    let run = lose_a_process(&path, &tool, false);
    in_test_runtime(async {
        let desk = next_process(&path, &tool, &[&["finish"]]).await;
        desk.until_state(run, RunState::Succeeded).await;
        assert_eq!(tool.count(), 1);
        assert!(kinds(desk.log.as_ref(), run).await.contains(&"run.recovered"));
    });
}

#[test]
fn a_checkable_effect_that_happened_is_not_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let tool = Counter::new("check", EffectClass::Workspace, Repeat::Checkable);
    let run = lose_a_process(&path, &tool, true);
    in_test_runtime(async {
        let desk = next_process(&path, &tool, &[&["finish"]]).await;
        desk.until_state(run, RunState::Succeeded).await;
        assert_eq!(tool.count(), 1);
    });
}

#[test]
fn a_checkable_effect_that_did_not_happen_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let tool = Counter::new("check", EffectClass::Workspace, Repeat::Checkable);
    let run = lose_a_process(&path, &tool, false);
    in_test_runtime(async {
        let desk = next_process(&path, &tool, &[&["finish"]]).await;
        desk.until_state(run, RunState::Succeeded).await;
        assert_eq!(tool.count(), 1);
    });
}

#[test]
fn a_once_effect_becomes_a_question_and_is_repeated_only_if_a_person_says_so() {
    for (settlement, times) in [(Settlement::Happened, 1), (Settlement::Retry, 2), (Settlement::GiveUp, 1)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.db");
        let tool = Counter::new("check", EffectClass::Workspace, Repeat::Once);
        let run = lose_a_process(&path, &tool, true);
        in_test_runtime(async {
            let desk = next_process(&path, &tool, &[&["finish"]]).await;
            desk.until_state(run, RunState::InDoubt).await;
            assert_eq!(tool.count(), 1, "not repeated blindly");
            let approval = desk.open_approval().await;
            assert_eq!(approval.state, ApprovalState::InDoubt);
            let settle = ApprovalVerb::Settle { settlement, note: "".into() }.on(approval.id);
            desk.runtime.submit(settle, ana()).await.unwrap();
            desk.until_state(run, RunState::Succeeded).await;
            assert_eq!(tool.count(), times, "{settlement:?}");
        });
    }
}

/// Lost in the dry run of a call: nothing was begun, and nobody waits. The next process must do it unasked.
#[test]
fn a_call_that_was_requested_and_never_prepared_is_prepared_by_the_next_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let mut tool = Counter::new("read", EffectClass::Observe, Repeat::Repeatable);
    tool.dry_run = Duration::from_secs(3600);
    let next = Counter::new("read", EffectClass::Observe, Repeat::Repeatable);
    let process = tokio::runtime::Runtime::new().unwrap();
    let run = process.block_on(async {
        let desk = Desk::start(Desk::open(&path).await, &[], vec![tool], Role::Worker).await;
        let run = desk.begin_with(procedure(&["read"])).await;
        desk.until("the request", |snapshot| snapshot.runs[&run].calls == 1).await;
        run
    });
    process.shutdown_background();
    in_test_runtime(async {
        let desk = next_process(&path, &next, &[]).await;
        desk.until_state(run, RunState::Succeeded).await;
    });
}

#[test]
fn a_run_that_waited_for_a_person_still_waits_and_is_approved_after_the_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let tool = Counter::new("push", EffectClass::External, Repeat::Once);
    let process = tokio::runtime::Runtime::new().unwrap();
    let run = process.block_on(async {
        let desk = Desk::start(Desk::open(&path).await, &[&[], &["push"]], vec![tool.again()], Role::Worker).await;
        let run = desk.begin().await;
        desk.until_state(run, RunState::Waiting).await;
        run
    });
    process.shutdown_background();
    in_test_runtime(async {
        let desk = next_process(&path, &tool, &[&["finish"]]).await;
        let approval = desk.open_approval().await;
        let approve = ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(approval.id);
        desk.runtime.submit(approve, ana()).await.unwrap();
        desk.until_state(run, RunState::Succeeded).await;
        assert_eq!(tool.count(), 1);
    });
}

#[tokio::test]
async fn an_orderly_end_lets_what_must_not_be_repeated_finish() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let tool = Counter::new("check", EffectClass::Workspace, Repeat::Once).held();
    let (gate, begun, counter) = (tool.gate.clone(), tool.begun.clone(), tool.happened.clone());
    let desk = Desk::start(Desk::open(&path).await, &[&[], &["check"]], vec![tool], Role::Worker).await;
    let run = desk.begin().await;
    begun.acquire().await.unwrap().forget();
    let ending = desk.runtime.shut_down(Duration::from_secs(10));
    tokio::pin!(ending);
    tokio::select! {
        () = &mut ending => panic!("it did not wait for the effect"),
        () = tokio::time::sleep(Duration::from_millis(200)) => {}
    }
    gate.add_permits(1);
    ending.await;
    assert_eq!(counter.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert!(kinds(desk.log.as_ref(), run).await.contains(&"run.call_settled"));
}

/// A tool that ends the program each time: after some deaths a person is asked, and looks at nothing else meanwhile.
#[test]
fn what_was_under_way_at_each_death_becomes_a_card() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let tool = Counter::new("read", EffectClass::Observe, Repeat::Repeatable);
    let run = lose_a_process(&path, &tool, false);
    for _ in 1..morningai::engine::MOST_DEATHS {
        lose_the_next_process(&path, &tool);
    }
    in_test_runtime(async {
        let desk = next_process(&path, &tool, &[&["finish"]]).await;
        desk.until_state(run, RunState::InDoubt).await;
        let approval = desk.open_approval().await;
        assert_eq!((approval.state, tool.count()), (ApprovalState::InDoubt, 0));
        assert!(approval.reason.contains("3 times"), "{}", approval.reason);
        let settle = ApprovalVerb::Settle { settlement: Settlement::Retry, note: "".into() }.on(approval.id);
        desk.runtime.submit(settle, ana()).await.unwrap();
        desk.until_state(run, RunState::Succeeded).await;
        assert_eq!(tool.count(), 1);
    });
}

/// Takes up what is under way, and is lost in the middle of it too.
fn lose_the_next_process(path: &Path, tool: &Counter) {
    let process = tokio::runtime::Runtime::new().unwrap();
    let held = tool.again().held();
    let (begun, gate) = (held.begun.clone(), held.gate.clone());
    process.block_on(async {
        let_leases_lapse(path).await;
        let _desk = Desk::start(Desk::open(path).await, &[], vec![held], Role::Worker).await;
        begun.acquire().await.unwrap().forget();
        drop(gate);
    });
    process.shutdown_background();
}

/// A model whose answer is what ends the program.
#[test]
fn a_model_that_was_waited_for_at_each_death_is_not_asked_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let run = RunId(uuid::Uuid::now_v7());
    for deaths in 0..morningai::engine::MOST_DEATHS as usize {
        let process = tokio::runtime::Runtime::new().unwrap();
        process.block_on(async {
            let log = Desk::open(&path).await;
            let_leases_lapse(&path).await;
            let desk = Desk::start(log, &[], vec![], Role::Worker).await;
            if deaths == 0 {
                desk.runtime.submit(RunVerb::Start { spec: Box::new(spec()) }.on(run), ana()).await.unwrap();
            }
            let (_, mut feed) = desk.runtime.open();
            let asked = |kinds: Vec<&str>| {
                let count = |kind| kinds.iter().filter(|found| **found == kind).count();
                count("run.turn_started") == 1 && count("run.recovered") == deaths
            };
            while !asked(kinds(desk.log.as_ref(), run).await) {
                let _ = feed.recv().await;
            }
        });
        process.shutdown_background();
    }
    in_test_runtime(async {
        let tool = Counter::new("read", EffectClass::Observe, Repeat::Repeatable);
        let desk = next_process(&path, &tool, &[&[], &["finish"]]).await;
        let paused = desk.until_state(run, RunState::Paused).await;
        assert!(paused.note.raw().contains("3 times") && !paused.is_busy(), "{paused:?}");
        desk.runtime.submit(RunVerb::Resume.on(run), ana()).await.unwrap();
        desk.until_state(run, RunState::Succeeded).await;
    });
}

/// Asked to end, a process leaves what may be repeated to the next one, as often as that happens.
#[test]
fn an_orderly_end_is_no_death() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let tool = Counter::new("read", EffectClass::Observe, Repeat::Repeatable);
    let run = RunId(uuid::Uuid::now_v7());
    in_test_runtime(async {
        for round in 0..=morningai::engine::MOST_DEATHS {
            let held = tool.again().held();
            let begun = held.begun.clone();
            let desk = Desk::start(Desk::open(&path).await, &[], vec![held], Role::Worker).await;
            if round == 0 {
                let start = RunVerb::Start { spec: Box::new(procedure(&["read"])) }.on(run);
                desk.runtime.submit(start, ana()).await.unwrap();
            }
            begun.acquire().await.unwrap().forget();
            desk.runtime.shut_down(Duration::from_secs(20)).await;
        }
        let desk = Desk::start(Desk::open(&path).await, &[], vec![tool.again()], Role::Worker).await;
        desk.until_state(run, RunState::Succeeded).await;
        assert_eq!(desk.runtime.open().0.open_approvals().count(), 0);
    });
}

/// What only looks, or has not begun, is not waited for when the process is to end.
#[tokio::test]
async fn a_long_dry_run_is_not_waited_for_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut tool = Counter::new("check", EffectClass::Workspace, Repeat::Once);
    tool.dry_run = Duration::from_secs(3600);
    let log = Desk::open(&dir.path().join("log.db")).await;
    let desk = Desk::start(log, &[&[], &["check"]], vec![tool], Role::Worker).await;
    let run = desk.begin().await;
    desk.until("the request", |snapshot| snapshot.runs[&run].calls == 1).await;
    let began = std::time::Instant::now();
    desk.runtime.shut_down(Duration::from_secs(20)).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

/// Tells of a run that was given back, in that very moment.
struct GivenBack(Arc<tokio::sync::Notify>);

#[async_trait::async_trait]
impl Hook for GivenBack {
    async fn after(&self, call: Call) {
        if call == Call::Release {
            self.0.notify_one();
        }
    }
}

/// The program is told to end just when its last worker does: whoever would have heard of that end is gone by then.
#[tokio::test]
async fn a_process_ends_at_once_when_its_run_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let given_back = Arc::new(tokio::sync::Notify::new());
    let log = Desk::open(&dir.path().join("log.db")).await;
    let log = Arc::new(Hooked { log, hook: GivenBack(given_back.clone()) });
    let run = RunId(uuid::Uuid::now_v7());
    let desk = Desk::start(log, &[&[], &["finish"]], vec![], Role::Carrier(run)).await;
    desk.runtime.submit(RunVerb::Start { spec: Box::new(spec()) }.on(run), ana()).await.unwrap();
    given_back.notified().await;
    let began = std::time::Instant::now();
    desk.runtime.shut_down(Duration::from_secs(20)).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(desk.runtime.open().0.runs[&run].state, RunState::Succeeded);
}
