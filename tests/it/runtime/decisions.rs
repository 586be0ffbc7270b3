//! What waits for a person, on the same store in one process and in two.

use std::time::{Duration, Instant};

use morningai::domain::*;
use morningai::kinds::*;
use morningai::runtime::{Role, rebuild};

use super::desk::*;

fn push() -> Counter {
    Counter::new("push", EffectClass::External, Repeat::Once)
}

fn approve(approval: &morningai::kinds::Approval) -> Command {
    ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(approval.id)
}

#[tokio::test]
async fn an_effect_starts_once_after_it_was_approved_and_the_run_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = Desk::open(&dir.path().join("log.db")).await;
    let (push, counter) = {
        let tool = push();
        (tool.again(), tool)
    };
    let desk = Desk::start(log, &[&[], &["push"], &["finish"]], vec![push], Role::Worker).await;
    let run = desk.begin().await;
    let approval = desk.open_approval().await;
    desk.until_state(run, RunState::Waiting).await;
    assert_eq!(counter.count(), 0, "nothing runs before it is approved");
    let events = desk.runtime.submit(approve(&approval), ana()).await.unwrap();
    let kinds_of: Vec<_> = events.iter().map(|envelope| envelope.event.kind()).collect();
    assert_eq!(kinds_of, ["approval.approved", "run.effect_started"], "one commit");
    desk.until_state(run, RunState::Succeeded).await;
    assert_eq!(counter.count(), 1);
    let again = desk.runtime.submit(approve(&approval), ana()).await.unwrap_err();
    assert_eq!(again.kind, RejectionKind::AlreadySettled);
}

#[tokio::test]
async fn a_denied_effect_never_starts() {
    let dir = tempfile::tempdir().unwrap();
    let log = Desk::open(&dir.path().join("log.db")).await;
    let (push, counter) = {
        let tool = push();
        (tool.again(), tool)
    };
    let desk = Desk::start(log, &[&[], &["push"], &["finish"]], vec![push], Role::Worker).await;
    let run = desk.begin().await;
    let approval = desk.open_approval().await;
    desk.runtime.submit(ApprovalVerb::Deny { reason: "no".into() }.on(approval.id), ana()).await.unwrap();
    desk.until_state(run, RunState::Succeeded).await;
    assert_eq!(counter.count(), 0);
}

#[tokio::test]
async fn what_changed_since_it_was_approved_is_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = Desk::open(&dir.path().join("log.db")).await;
    let (push, counter) = {
        let tool = push();
        (tool.again(), tool)
    };
    let desk = Desk::start(log, &[&[], &["push"], &["finish"]], vec![push], Role::Worker).await;
    let run = desk.begin().await;
    let first = desk.open_approval().await;
    *counter.world.lock().unwrap() = "origin/main".to_owned();
    desk.runtime.submit(approve(&first), ana()).await.unwrap();
    let second = desk.open_approval().await;
    assert_ne!(second.digest, first.digest);
    assert_eq!(counter.count(), 0, "what was approved is not what would have run");
    desk.runtime.submit(approve(&second), ana()).await.unwrap();
    desk.until_state(run, RunState::Succeeded).await;
    assert_eq!(counter.count(), 1);
}

#[tokio::test]
async fn nobody_decides_and_it_expires() {
    let dir = tempfile::tempdir().unwrap();
    let log = Desk::open(&dir.path().join("log.db")).await;
    let (push, counter) = {
        let tool = push();
        (tool.again(), tool)
    };
    let turns: &[&[&str]] = &[&[], &["push"], &["finish"]];
    let desk = Desk::start_with(log, turns, vec![push], Role::Worker, 0, Default::default()).await;
    let run = desk.begin().await;
    desk.until_state(run, RunState::Succeeded).await;
    assert_eq!(counter.count(), 0);
    let (snapshot, _) = desk.runtime.open();
    assert_eq!(snapshot.approvals.values().next().unwrap().state, ApprovalState::Expired);
}

#[tokio::test]
async fn a_decision_made_in_another_process_is_acted_on_within_a_quarter_of_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let (push, counter) = {
        let tool = push();
        (tool.again(), tool)
    };
    let turns: &[&[&str]] = &[&[], &["push"], &["finish"]];
    let console = Desk::start(Desk::open(&path).await, turns, vec![push], Role::Worker).await;
    let run = console.begin().await;
    console.until_state(run, RunState::Waiting).await;
    let script = Desk::start(Desk::open(&path).await, &[], vec![], Role::Clerk).await;
    let approval = script.open_approval().await;
    script.runtime.submit(approve(&approval), ana()).await.unwrap();
    let decided = Instant::now();
    console.until_state(run, RunState::Succeeded).await;
    assert!(decided.elapsed() < Duration::from_millis(250), "took {:?}", decided.elapsed());
    assert_eq!(counter.count(), 1);
    script.until_state(run, RunState::Succeeded).await;
}

#[tokio::test]
async fn rebuilt_rows_equal_the_stored_ones() {
    let dir = tempfile::tempdir().unwrap();
    let log = Desk::open(&dir.path().join("log.db")).await;
    let read = Counter::new("read", EffectClass::Observe, Repeat::Repeatable);
    let turns: &[&[&str]] = &[&[], &["read", "read"], &["push"], &["finish"]];
    let desk = Desk::start(log.clone(), turns, vec![read, push()], Role::Worker).await;
    let run = desk.begin().await;
    let approval = desk.open_approval().await;
    desk.runtime.submit(approve(&approval), ana()).await.unwrap();
    desk.until_state(run, RunState::Succeeded).await;
    desk.runtime.shut_down(Duration::from_secs(5)).await;
    let stored = all_rows(log.as_ref()).await;
    assert_eq!(stored.len(), 3, "a run, an approval, a day");
    let spend: DaySpend = serde_json::from_str(&stored[2].body).unwrap();
    let answered: Vec<_> =
        kinds(log.as_ref(), run).await.into_iter().filter(|kind| *kind == "run.turn_finished").collect();
    assert_eq!((spend.total().calls, spend.cost()), (answered.len() as u64, Usd(1_000 * answered.len() as i64)));
    assert_eq!(spend.by_agent["dev"], spend.total(), "all of it was the one agent's");
    assert_eq!((&spend.by_starter[0].started_by, spend.by_starter[0].spending), (&ana(), spend.total()));
    rebuild(log.as_ref()).await.unwrap();
    assert_eq!(all_rows(log.as_ref()).await, stored);
}

#[tokio::test]
async fn a_budget_that_was_used_up_holds_for_every_run_and_in_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let all = ConfiguredBudget { day: Some(Usd(2_000)), month: None, once_used_up: OnceUsedUp::Pause };
    let budgets = Budgets { all, ..Budgets::default() };
    let limited = || RunSpec { limits: Limits { budgets: budgets.clone(), ..Limits::default() }, ..spec() };
    let turns: &[&[&str]] = &[&[], &["read"], &["finish"]];
    let read = || vec![Counter::new("read", EffectClass::Observe, Repeat::Repeatable)];
    let one = Desk::start(Desk::open(&path).await, turns, read(), Role::Worker).await;
    let first = one.begin_with(limited()).await;
    let paused = one.until_state(first, RunState::Paused).await;
    assert!(paused.note.raw().starts_with("budget of $0.00000 for today is used up"), "{:?}", paused.note);
    assert_eq!((paused.turns, paused.cost), (2, Usd(2_000)), "its third call was never made");

    one.runtime.shut_down(Duration::from_secs(5)).await;
    let other = Desk::start(Desk::open(&path).await, turns, read(), Role::Worker).await;
    let second = other.begin_with(limited()).await;
    assert_eq!(other.until_state(second, RunState::Paused).await.turns, 0, "not one call was made");
    other.runtime.submit(RunVerb::Resume.on(second), ana()).await.unwrap();
    assert_eq!(other.until_state(second, RunState::Succeeded).await.turns, 3);
    assert_eq!(other.until_state(first, RunState::Paused).await.turns, 2, "what one run was given is not another's");
    other.runtime.shut_down(Duration::from_secs(5)).await;
    let rows = all_rows(one.log.as_ref()).await;
    rebuild(one.log.as_ref()).await.unwrap();
    assert_eq!(all_rows(one.log.as_ref()).await, rows);
}

#[tokio::test]
async fn what_was_decided_long_ago_with_nobody_there_is_still_acted_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    // More than the settled requests that a start reads into memory.
    let most = 60;
    let asking = Desk::start(Desk::open(&path).await, &[], vec![push()], Role::Worker).await;
    for _ in 0..most {
        asking.begin_with(procedure(&["push"])).await;
    }
    let parked = |snapshot: &morningai::fold::Snapshot| snapshot.open_approvals().count() == most;
    let snapshot = asking.until("all of them ask", parked).await;
    asking.runtime.shut_down(Duration::from_secs(5)).await;
    drop(asking);

    let deciding = Desk::start(Desk::open(&path).await, &[], vec![], Role::Clerk).await;
    for approval in snapshot.open_approvals() {
        deciding.runtime.submit(approve(approval), ana()).await.unwrap();
    }
    deciding.runtime.shut_down(Duration::from_secs(5)).await;

    let tool = push();
    let counter = tool.happened.clone();
    let acting = Desk::start(Desk::open(&path).await, &[], vec![tool], Role::Worker).await;
    let succeeded = |snapshot: &morningai::fold::Snapshot| {
        snapshot.runs.values().filter(|run| run.state == RunState::Succeeded).count() == most
    };
    acting.until("all of them succeeded", succeeded).await;
    assert_eq!(counter.load(std::sync::atomic::Ordering::SeqCst), most);
}

async fn all_rows(log: &dyn morningai::ports::Log) -> Vec<morningai::kinds::Row> {
    use morningai::kinds::RowKind;
    use morningai::ports::{RowFilter, RowQuery};
    let mut rows = Vec::new();
    for kind in [RowKind::Run, RowKind::Approval, RowKind::Spend] {
        rows.extend(log.rows(RowQuery::first(kind, RowFilter::All, 100)).await.unwrap().rows);
    }
    rows
}
