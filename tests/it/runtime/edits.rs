//! What a person changes before it runs: in the process that works on the run, beside it, and with nobody there.

use std::time::Duration;

use morningai::domain::*;
use morningai::fold::{CallStatus, Thread};
use morningai::kinds::*;
use morningai::runtime::{Role, compare_rows, rebuild};
use serde_json::json;

use super::desk::*;

const TURNS: &[&[&str]] = &[&[], &["push"], &["finish"]];

fn push() -> Counter {
    Counter::new("push", EffectClass::External, Repeat::Once).addressed()
}

fn edit(approval: &Approval, args: serde_json::Value) -> Command {
    ApprovalVerb::Edit { digest: approval.digest.0.clone(), args }.on(approval.id)
}

fn approve(approval: &Approval) -> Command {
    ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(approval.id)
}

fn payload(approval: &Approval) -> serde_json::Value {
    let card = approval.ask.card().unwrap();
    let Payload::Arguments { args } = &card.payload else { panic!("{card:?}") };
    args.clone()
}

#[tokio::test]
async fn a_changed_call_is_asked_for_in_the_same_commit_and_runs_as_it_was_then_approved() {
    let dir = tempfile::tempdir().unwrap();
    let log = Desk::open(&dir.path().join("log.db")).await;
    let tool = push();
    let happened = tool.happened.clone();
    let desk = Desk::start(log.clone(), TURNS, vec![tool], Role::Worker).await;
    let run = desk.begin().await;
    let first = desk.open_approval().await;
    desk.until_state(run, RunState::Waiting).await;
    let events = desk.runtime.submit(edit(&first, json!({ "to": "ben" })), ana()).await.unwrap();
    let kinds_of: Vec<_> = events.iter().map(|envelope| envelope.event.kind()).collect();
    assert_eq!(kinds_of, ["approval.edited", "run.call_edited", "approval.requested", "run.call_parked"]);
    let second = desk.open_approval().await;
    assert_eq!(payload(&second), json!({ "to": "ben" }));
    assert_ne!(second.digest, first.digest);
    assert_eq!(happened.load(std::sync::atomic::Ordering::SeqCst), 0, "a change runs nothing");
    let late = desk.runtime.submit(approve(&first), ana()).await.unwrap_err();
    assert_eq!(late.kind, RejectionKind::AlreadySettled);
    desk.runtime.submit(approve(&second), ana()).await.unwrap();
    desk.until_state(run, RunState::Succeeded).await;
    assert_eq!(happened.load(std::sync::atomic::Ordering::SeqCst), 1);
    let thread = Thread::of(&log.read_stream(Stream::Run(run), 0, 1000).await.unwrap()).unwrap();
    let entry = &thread.calls[&CallNo(1)];
    assert_eq!((entry.asked(), &entry.call.args), (&json!({}), &json!({ "to": "ben" })));
    assert_eq!(entry.card.as_ref().unwrap().digest(), second.digest, "what ran is what was approved");

    desk.runtime.shut_down(Duration::from_secs(5)).await;
    assert_eq!(compare_rows(log.as_ref()).await.unwrap(), Vec::<String>::new());
    rebuild(log.as_ref()).await.unwrap();
    assert_eq!(compare_rows(log.as_ref()).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn what_no_call_can_be_is_told_to_the_person_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = Desk::open(&dir.path().join("log.db")).await;
    let desk = Desk::start(log.clone(), TURNS, vec![push()], Role::Worker).await;
    let run = desk.begin().await;
    let approval = desk.open_approval().await;
    desk.until_state(run, RunState::Waiting).await;
    let before = log.head().await.unwrap().seq;
    for (args, says) in [
        (json!({ "to": 7 }), "push: \"to\" must be a string, not the number 7"),
        (json!({ "two": "ben" }), "push: unknown argument \"two\""),
        (json!({ "to": "nowhere" }), "there is no nowhere"),
        (json!({}), "nothing was changed"),
    ] {
        let rejection = desk.runtime.submit(edit(&approval, args), ana()).await.unwrap_err();
        assert_eq!(rejection.kind, RejectionKind::Invalid, "{rejection:?}");
        assert!(rejection.message.contains(says), "{rejection:?}");
        assert!(!rejection.hint.is_empty(), "{rejection:?}");
    }
    let stale = ApprovalVerb::Edit { digest: "00000000".to_owned(), args: json!({ "to": "x" }) }.on(approval.id);
    assert_eq!(desk.runtime.submit(stale, ana()).await.unwrap_err().kind, RejectionKind::DigestMismatch);
    assert_eq!(log.head().await.unwrap().seq, before);
    desk.runtime.submit(approve(&approval), ana()).await.unwrap();
    desk.until_state(run, RunState::Succeeded).await;
}

#[tokio::test]
async fn what_was_changed_elsewhere_with_nobody_there_is_asked_for_once_somebody_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let asking = Desk::start(Desk::open(&path).await, TURNS, vec![push()], Role::Worker).await;
    let run = asking.begin().await;
    let first = asking.open_approval().await;
    asking.until_state(run, RunState::Waiting).await;
    asking.runtime.shut_down(Duration::from_secs(5)).await;
    drop(asking);

    let clerk = Desk::start(Desk::open(&path).await, &[], vec![push()], Role::Clerk).await;
    let bad = clerk.runtime.submit(edit(&first, json!({ "to": 7 })), ana()).await.unwrap_err();
    assert_eq!(bad.kind, RejectionKind::Invalid, "the schema is known wherever the tool is");
    let events = clerk.runtime.submit(edit(&first, json!({ "to": "ben" })), ana()).await.unwrap();
    assert_eq!(events.len(), 1, "the rest is a worker's");
    clerk.runtime.shut_down(Duration::from_secs(5)).await;
    drop(clerk);

    let tool = push();
    let happened = tool.happened.clone();
    let acting = Desk::start(Desk::open(&path).await, &[&["finish"]], vec![tool], Role::Worker).await;
    let second = acting.open_approval().await;
    assert_eq!((payload(&second), &second.edit.as_ref().unwrap().by), (json!({ "to": "ben" }), &ana()));
    acting.runtime.submit(approve(&second), ana()).await.unwrap();
    acting.until_state(run, RunState::Succeeded).await;
    assert_eq!(happened.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_was_changed_beside_its_worker_and_cannot_be_is_told_to_the_agent() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let worker = Desk::start(Desk::open(&path).await, TURNS, vec![push()], Role::Worker).await;
    let run = worker.begin().await;
    let first = worker.open_approval().await;
    worker.until_state(run, RunState::Waiting).await;
    let clerk = Desk::start(Desk::open(&path).await, &[], vec![push()], Role::Clerk).await;
    clerk.open_approval().await;
    clerk.runtime.submit(edit(&first, json!({ "to": "nowhere" })), ana()).await.unwrap();
    worker.until_state(run, RunState::Succeeded).await;
    let thread = Thread::of(&worker.log.read_stream(Stream::Run(run), 0, 1000).await.unwrap()).unwrap();
    let CallStatus::Settled(result) = &thread.calls[&CallNo(1)].status else { panic!() };
    assert_eq!(result.failure, Some(FailureKind::BadCall));
}
