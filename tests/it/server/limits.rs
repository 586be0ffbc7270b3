//! So many requests and commands, and not one more; reading the feed is not counted.

use morningai::access::{DoorSettings, Quota};
use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::*;
use morningai::server::Exposure;
use serde_json::{Value, json};

use super::post::{Http, Post, TURNS, attach_to, generous};
use crate::runtime::desk::ana;

async fn limited(dir: &std::path::Path, settings: DoorSettings) -> Post {
    let listen = "127.0.0.1:0".parse().unwrap();
    let exposure = Exposure { listen, identity: None, is_terminated_elsewhere: false, names: Vec::new() };
    Post::open_with(dir, exposure, TURNS, settings).await
}

/// A refusal for coming too often: its status, `Retry-After` and body.
async fn refusal(http: &Http, request: reqwest::RequestBuilder) -> (u16, u64, Value) {
    let request = http.token.iter().fold(request, |request, token| request.bearer_auth(token));
    let response = request.send().await.unwrap();
    let after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().parse().unwrap());
    (response.status().as_u16(), after.unwrap_or_default(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_requests_a_minute_are_answered_and_the_next_is_told_when_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let post = limited(dir.path(), DoorSettings::default()).await;
    let (ana, ben) = (post.program("ana", Role::Owner).await, post.program("ben", Role::Viewer).await);
    let http = post.http_with(&ana);
    for request in 0..100 {
        assert_eq!(http.get("/v1/session").await.0, 200, "{request}");
    }
    let (status, after, problem) = refusal(&http, http.client.get(format!("{}/v1/session", http.base))).await;
    assert_eq!((status, &problem["type"]), (429, &json!("urn:morningai:problem:too-often")));
    assert!((1..=61).contains(&after) && problem["retry_after"] == after, "{after}: {problem}");
    assert!(!problem["hint"].as_str().unwrap().is_empty());
    // What one person used up is nobody else's, and whoever watches the server is not counted.
    assert_eq!(post.http_with(&ben).get("/v1/session").await.0, 200);
    assert_eq!(http.get("/healthz").await.0, 200);
    let told = post.told().await;
    assert!(told.iter().any(|told| told["event"]["cause"] == "rate_limited"), "{told:?}");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consoles_commands_are_counted_and_what_it_reads_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let settings = DoorSettings { per_principal: vec![Quota::per_hour(6)], ..generous() };
    let post = limited(dir.path(), settings).await;
    let run = post.desk.begin().await;
    post.desk.open_approval().await;
    let token = post.program("ana", Role::Owner).await;
    let client = attach_to(post.server.address(), &token).await.unwrap();
    client.open().await.unwrap();
    for _ in 0..50 {
        client.query(Query::Rows(RowQuery::ended(RowKind::Run, None, 1))).await.unwrap();
    }
    // Attaching was one.
    for command in 0..5 {
        let kind = client.submit(RunVerb::Resume.on(run), ana()).await.unwrap_err().kind;
        assert_eq!(kind, RejectionKind::Invalid, "{command}");
    }
    let refused = client.submit(RunVerb::Resume.on(run), ana()).await.unwrap_err();
    assert_eq!(refused.kind, RejectionKind::TooOften);
    assert!(refused.message.contains("too many requests") && !refused.hint.is_empty(), "{refused:?}");
    client.query(Query::Rows(RowQuery::ended(RowKind::Run, None, 1))).await.unwrap();
    assert!(matches!(client.status().link, Link::Up { .. }), "it is still attached");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_guesses_tokens_is_slowed_and_a_caller_with_a_good_one_there_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let settings = DoorSettings { per_place: vec![Quota::per_hour(5)], ..generous() };
    let post = limited(dir.path(), settings).await;
    let token = post.program("ana", Role::Owner).await;
    let stranger = post.http_with("guess");
    for _ in 0..5 {
        assert_eq!(stranger.get("/v1/runs").await.0, 401);
    }
    let (status, after, _) = refusal(&stranger, stranger.client.get(format!("{}/v1/runs", stranger.base))).await;
    assert_eq!(status, 429);
    assert!(after > 0);
    assert_eq!(post.http_with(&token).get("/v1/runs").await.0, 200);
    let nobody = Http { token: None, ..post.http() };
    let sign_in = nobody.post("/v1/session", json!({ "name": "ana", "password": "x" })).await;
    assert_eq!(sign_in.0, 429, "signing in is counted with it");
    post.end().await;
}
