//! Changing a call over HTTP and from an attached console.

use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::Client;
use serde_json::json;

use super::post::{Post, open_approval};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_changed_over_http_and_approved_as_it_is_then() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let http = post.http();
    let run = post.desk.begin().await;
    let first = post.desk.open_approval().await;
    post.desk.until_state(run, RunState::Waiting).await;
    let path = format!("/v1/approvals/{}/edit", first.id);
    for (status, body) in [
        (422, json!({ "digest": first.digest.shown() })),
        (422, json!({ "digest": first.digest.shown(), "arguments": "main" })),
        (422, json!({ "digest": first.digest.shown(), "arguments": {} })),
        (409, json!({ "digest": "00000000", "arguments": { "to": "ben" } })),
    ] {
        let (got, problem) = http.post(&path, body.clone()).await;
        assert_eq!(got, status, "{body}: {problem}");
    }
    let body = json!({ "digest": first.digest.shown(), "arguments": { "to": "ben" } });
    let (status, asked) = http.post(&path, body.clone()).await;
    assert_eq!((status, &asked["state"]), (200, &json!("pending")), "{asked}");
    assert_eq!(asked["edit"]["by"], "ana");
    assert_eq!(asked["edit"]["request"], json!(first.id));
    assert_eq!((&asked["edit"]["asked"], &asked["edit"]["arguments"]), (&json!({}), &json!({ "to": "ben" })));
    assert_eq!(http.post(&path, body).await.0, 409, "it was changed already");
    let (_, old) = http.get(&format!("/v1/approvals/{}", first.id)).await;
    assert_eq!((&old["state"], &old["decided_by"]), (&json!("edited"), &json!("ana")));
    let path = format!("/v1/approvals/{}/approve", asked["id"].as_str().unwrap());
    let (status, _) = http.post(&path, json!({ "digest": asked["digest"] })).await;
    assert_eq!(status, 200);
    post.desk.until_state(run, RunState::Succeeded).await;
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attached_console_changes_a_call_and_hears_what_it_became() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let console = post.attach().await;
    let run = post.desk.begin().await;
    let first = open_approval(&console).await;
    post.desk.until_state(run, RunState::Waiting).await;
    let edit = ApprovalVerb::Edit { digest: first.digest.0.clone(), args: json!({ "to": "ben" }) }.on(first.id);
    let events = console.submit(edit, Actor::Person("ana".to_owned())).await.unwrap();
    assert!(matches!(events[0].event, Event::Approval(ApprovalEvent::Edited { .. })), "{events:?}");
    let second =
        super::post::until(&console, "what it became", |snapshot| snapshot.asked_instead_of(first.id).is_some());
    let second = second.await.asked_instead_of(first.id).unwrap().clone();
    let approve = ApprovalVerb::Approve { digest: second.digest.0.clone() }.on(second.id);
    console.submit(approve, Actor::Person("ana".to_owned())).await.unwrap();
    post.desk.until_state(run, RunState::Succeeded).await;
    post.end().await;
}
