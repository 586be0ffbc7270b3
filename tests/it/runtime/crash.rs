//! What a lost process leaves under way, for each kind of tool; effects are counted outside the log.

use std::path::Path;
use std::time::Duration;

use morningai::domain::*;
use morningai::runtime::Role;

use super::desk::*;

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
            let settle = Command::Settle { approval: approval.id, settlement, note: "".into() };
            desk.runtime.submit(settle, ana()).await.unwrap();
            desk.until_state(run, RunState::Succeeded).await;
            assert_eq!(tool.count(), times, "{settlement:?}");
        });
    }
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
        let approve = Command::Approve { approval: approval.id, digest: approval.digest.0.clone() };
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
