//! The connection is cut at each message of an approval: on reattach there is exactly one decision, and the answer
//! agrees with it.

use std::time::Duration;

use morningai::client::RemoteClient;
use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::*;

use super::post::{Post, TOKEN, TURNS, attach_to, open_approval, until};
use super::proxy::{Cut, Last, Proxy};
use crate::runtime::desk::ana;

/// Cuts after which an exchange is over in any case.
const MOST: usize = 40;

async fn many_runs(dir: &std::path::Path) -> Post {
    let turns: Vec<&[&str]> = TURNS.iter().copied().cycle().take(TURNS.len() * MOST * 2).collect();
    Post::open_at(dir, "127.0.0.1:0".parse().unwrap(), &turns).await
}

async fn approve(client: &RemoteClient, approval: &Approval) -> Result<Vec<Envelope>, Rejection> {
    let command = ApprovalVerb::Approve { digest: approval.digest.0.clone() }.on(approval.id);
    // Whoever decides elsewhere decides as the server knows them, whatever they call themselves.
    let submitted = client.submit(command, Actor::Person("mallory".to_owned()));
    let answer = tokio::time::timeout(Duration::from_secs(30), submitted).await.expect("an answer, in the end");
    // What else was decided in the same breath is the run's.
    answer.map(|events| events.into_iter().filter(|event| event.stream == Stream::Approval(approval.id)).collect())
}

/// The decisions in the log on one request.
async fn decisions(post: &Post, approval: ApprovalId) -> Vec<Envelope> {
    let events = post.desk.log.read_stream(Stream::Approval(approval), 0, 100).await.unwrap();
    events.into_iter().filter(|event| event.version > 1).collect()
}

/// Approves over a connection that is cut as planned; what was cut at.
async fn exchange(post: &Post, cuts: &[Cut]) -> Vec<String> {
    let proxy = Proxy::start(post.server.address()).await;
    let client = attach_to(proxy.address, TOKEN).await.unwrap();
    let run = post.desk.begin().await;
    let approval = open_approval(&client).await;
    proxy.plan(cuts);
    let answer = approve(&client, &approval).await;
    let decided = decisions(post, approval.id).await;
    assert_eq!(decided.len(), 1, "{cuts:?}: {decided:?}");
    assert_eq!(decided[0].by, ana());
    assert_eq!(answer.as_deref(), Ok(decided.as_slice()), "{cuts:?} at {:?}", proxy.cut_at());
    let is_over = |snapshot: &morningai::fold::Snapshot| snapshot.runs[&run].state == RunState::Succeeded;
    until(&client, "the run's end, on the console", is_over).await;
    proxy.cut_at()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_decided_once_wherever_it_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    let post = many_runs(dir.path()).await;
    let (mut requests, mut replies) = (0, 0);
    for at in 0..4 {
        for last in [Last::Lost, Last::Delivered] {
            for message in exchange(&post, &[Cut { at, last }]).await {
                requests += usize::from(message.contains("request"));
                replies += usize::from(message.contains("reply"));
            }
        }
    }
    assert!(requests >= 2 && replies >= 1, "cut at {requests} requests and {replies} replies");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_decided_once_when_its_repetition_is_cut_too() {
    let dir = tempfile::tempdir().unwrap();
    let post = many_runs(dir.path()).await;
    let first = Cut { at: 0, last: Last::Delivered };
    for at in 0..6 {
        for last in [Last::Lost, Last::Delivered] {
            let cut_at = exchange(&post, &[first, Cut { at, last }]).await;
            assert!(cut_at[0].contains("request"), "{cut_at:?}");
        }
    }
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_whose_answer_was_lost_with_the_server_is_found_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let post = many_runs(dir.path()).await;
    let proxy = Proxy::start(post.server.address()).await;
    let client = std::sync::Arc::new(attach_to(proxy.address, TOKEN).await.unwrap());
    let run = post.desk.begin().await;
    let approval = open_approval(&*client).await;
    proxy.plan(&[Cut { at: 0, last: Last::Delivered }]);
    let submitting = tokio::spawn({
        let (client, approval) = (client.clone(), approval.clone());
        async move { approve(&client, &approval).await }
    });
    post.desk.until_state(run, RunState::Succeeded).await;
    proxy.lead_to(None);
    post.end().await;

    let again = many_runs(dir.path()).await;
    proxy.lead_to(Some(again.server.address()));
    let answer = submitting.await.unwrap();
    assert_eq!(answer, Ok(decisions(&again, approval.id).await));
    again.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_done_again_is_not_done_again() {
    let dir = tempfile::tempdir().unwrap();
    let post = many_runs(dir.path()).await;
    let proxy = Proxy::start(post.server.address()).await;
    let client = std::sync::Arc::new(attach_to(proxy.address, TOKEN).await.unwrap());
    let run = post.desk.begin().await;
    open_approval(&*client).await;
    proxy.plan(&[Cut { at: 0, last: Last::Delivered }]);
    let submitting = tokio::spawn({
        let client = client.clone();
        async move { client.submit(RunVerb::Pause.on(run), ana()).await }
    });
    post.desk.until_state(run, RunState::Paused).await;
    proxy.lead_to(None);
    // Somebody goes on with it before the answer is asked for again.
    post.desk.runtime.submit(RunVerb::Resume.on(run), Actor::Person("ben".to_owned())).await.unwrap();
    post.end().await;

    let again = many_runs(dir.path()).await;
    proxy.lead_to(Some(again.server.address()));
    let answer = submitting.await.unwrap().unwrap();
    assert_eq!(answer[0].event.kind(), "run.paused");
    let events = again.desk.log.read_stream(Stream::Run(run), 0, 100).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.event.kind() == "run.paused").count(), 1);
    again.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_decision_is_not_taken_for_ones_own() {
    let dir = tempfile::tempdir().unwrap();
    let post = many_runs(dir.path()).await;
    let proxy = Proxy::start(post.server.address()).await;
    let client = attach_to(proxy.address, TOKEN).await.unwrap();
    post.desk.begin().await;
    let approval = open_approval(&client).await;
    proxy.plan(&[Cut { at: 0, last: Last::Lost }]);
    let meanwhile = async {
        let command = ApprovalVerb::Deny { reason: "no".into() }.on(approval.id);
        post.desk.runtime.submit(command, Actor::Person("ben".to_owned())).await.unwrap();
    };
    let submitted = async {
        while proxy.cut_at().is_empty() {
            tokio::task::yield_now().await;
        }
        meanwhile.await;
    };
    let (answer, ()) = tokio::join!(approve(&client, &approval), submitted);
    assert_eq!(answer.unwrap_err().kind, RejectionKind::AlreadySettled);
    assert_eq!(decisions(&post, approval.id).await.len(), 1);
    post.end().await;
}
