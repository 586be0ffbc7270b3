//! A command that arrives twice is carried out once, and answered alike: in one process, in two, and after one was lost
//! between the commit and its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use morningai::domain::*;
use morningai::kinds::*;
use morningai::runtime::Role;

use super::desk::*;
use crate::support::hooked::{Call, Hook, Hooked};

fn key(id: &str, command: &Command) -> IdempotencyKey {
    IdempotencyKey::new(&ana(), id, command)
}

async fn submit(desk: &Desk, id: &str, command: &Command) -> Result<Vec<Envelope>, Rejection> {
    desk.runtime.submit_once(key(id, command), command.clone(), ana()).await
}

/// A run that waits for a person, and what the person may do about it.
async fn waiting(
    dir: &std::path::Path,
) -> (Desk, RunId, morningai::kinds::Approval, Arc<std::sync::atomic::AtomicUsize>) {
    let push = Counter::new("push", EffectClass::External, Repeat::Once);
    let happened = push.happened.clone();
    let log = Desk::open(&dir.join("log.db")).await;
    let desk = Desk::start(log, &[&[], &["push"], &["finish"]], vec![push], Role::Worker).await;
    let run = desk.begin().await;
    let approval = desk.open_approval().await;
    desk.until_state(run, RunState::Waiting).await;
    (desk, run, approval, happened)
}

#[tokio::test]
async fn every_verb_is_carried_out_once_and_answered_alike() {
    let dir = tempfile::tempdir().unwrap();
    let (desk, run, approval, happened) = waiting(dir.path()).await;
    let elsewhere = Desk::start(Desk::open(&dir.path().join("log.db")).await, &[], vec![], Role::Clerk).await;
    let approve = ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(approval.id);
    let start = RunVerb::Start { spec: Box::new(spec()) }.on(run);
    let commands = [RunVerb::Pause.on(run), RunVerb::Resume.on(run), start, approve];
    for (number, command) in commands.iter().enumerate() {
        let id = format!("{number}");
        let first = submit(&desk, &id, command).await.unwrap();
        assert_eq!(first.is_empty(), number == 2, "starting it again changes nothing");
        if number == 3 {
            desk.until_state(run, RunState::Succeeded).await;
        }
        let head = desk.log.head().await.unwrap();
        assert_eq!(submit(&desk, &id, command).await, Ok(first.clone()));
        assert_eq!(submit(&elsewhere, &id, command).await, Ok(first));
        assert_eq!(desk.log.head().await.unwrap(), head, "nothing was done");
    }
    assert_eq!(happened.load(Ordering::SeqCst), 1);

    let other = submit(&desk, "0", &RunVerb::Cancel { reason: String::new() }.on(run)).await.unwrap_err();
    assert_eq!(other.kind, RejectionKind::Invalid);
    assert!(other.message.contains("something else was asked for under this id"), "{other}");
    let bo = IdempotencyKey::new(&Actor::Person("bo".to_owned()), "0", &commands[0]);
    let theirs = desk.runtime.submit_once(bo, commands[0].clone(), Actor::Person("bo".to_owned())).await;
    assert!(theirs.is_err(), "another person's request of the same id is another request");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_arrive_at_once_one_is_carried_out() {
    let dir = tempfile::tempdir().unwrap();
    let (desk, run, _, _) = waiting(dir.path()).await;
    let elsewhere = Desk::start(Desk::open(&dir.path().join("log.db")).await, &[], vec![], Role::Clerk).await;
    let before = desk.log.head().await.unwrap().seq;
    let command = RunVerb::Pause.on(run);
    let asked = (0..8).map(|number| submit(if number % 2 == 0 { &desk } else { &elsewhere }, "at once", &command));
    let answers = futures::future::join_all(asked).await;
    let told: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
    assert!(!told.is_empty() && told.iter().all(|events| *events == told[0]), "{told:?}");
    assert_eq!(submit(&desk, "at once", &command).await.as_ref(), Ok(&told[0]));
    assert_eq!(desk.log.head().await.unwrap().seq, before + 1);
}

#[tokio::test]
async fn what_was_refused_may_be_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let (desk, run, _, _) = waiting(dir.path()).await;
    let resume = RunVerb::Resume.on(run);
    assert!(submit(&desk, "r", &resume).await.is_err(), "it is not paused");
    submit(&desk, "p", &RunVerb::Pause.on(run)).await.unwrap();
    assert_eq!(submit(&desk, "r", &resume).await.unwrap().len(), 1);
}

/// Loses the answer of one append, which is on disk by then.
struct LosesOne(AtomicBool);

#[async_trait]
impl Hook for LosesOne {
    async fn after(&self, call: Call) {
        if call == Call::Append && self.0.swap(false, Ordering::SeqCst) {
            std::future::pending().await
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_lost_between_the_commit_and_its_answer_has_carried_it_out() {
    let dir = tempfile::tempdir().unwrap();
    let (desk, run, approval, happened) = waiting(dir.path()).await;
    desk.runtime.shut_down(std::time::Duration::from_secs(5)).await;
    let commands = [RunVerb::Pause.on(run), ApprovalVerb::Deny { reason: "no".into() }.on(approval.id)];
    for (number, command) in commands.iter().enumerate() {
        let (path, id) = (dir.path().join("log.db"), format!("unheard {number}"));
        let lossy = Arc::new(Hooked { log: Desk::open(&path).await, hook: LosesOne(AtomicBool::new(true)) });
        let lost = Desk::start(lossy, &[], vec![], Role::Clerk).await;
        let unheard = submit(&lost, &id, command);
        assert!(tokio::time::timeout(std::time::Duration::from_millis(500), unheard).await.is_err());
        let head = desk.log.head().await.unwrap();
        let next = Desk::start(Desk::open(&path).await, &[], vec![], Role::Clerk).await;
        let again = submit(&next, &id, command).await.unwrap();
        assert_eq!(again[0].event.kind(), ["run.paused", "approval.denied"][number]);
        assert_eq!((again.last().unwrap().seq, desk.log.head().await.unwrap()), (head.seq, head));
    }
    assert_eq!(happened.load(Ordering::SeqCst), 0);
}
