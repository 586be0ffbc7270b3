//! Signing in, accounts, tokens and the audit over HTTP.

use morningai::domain::*;
use morningai::ports::*;
use serde_json::{Value, json};

use super::house::PASSWORD;
use super::post::{Http, Post};

async fn post_with_ana(dir: &std::path::Path) -> Post {
    let post = Post::open(dir).await;
    post.add("ana", Role::Owner).await;
    post
}

fn nobody(post: &Post) -> Http {
    Http { token: None, ..post.http() }
}

async fn sign_in(post: &Post, name: &str, password: &str, code: &str) -> (u16, Value) {
    nobody(post).post("/v1/session", json!({ "name": name, "password": password, "code": code })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_with_a_password_and_ends_when_it_is_signed_out() {
    let dir = tempfile::tempdir().unwrap();
    let post = post_with_ana(dir.path()).await;
    let (status, begun) = sign_in(&post, "Ana", PASSWORD, "").await;
    assert_eq!((status, &begun["account"]), (201, &json!("ana")), "{begun}");
    let secret = begun["token"].as_str().unwrap();
    let http = post.http_with(secret);
    let (_, oneself) = http.get("/v1/session").await;
    assert_eq!((&oneself["role"], &oneself["means"]), (&json!("owner"), &json!("session")));
    assert!(oneself["actions"].as_array().unwrap().contains(&json!("owners.manage")));
    let out = async || http.send(http.client.delete(format!("{}/v1/session", http.base))).await;
    assert_eq!(out().await.0, 200);
    let (status, problem) = out().await;
    assert_eq!((status, &problem["detail"]), (401, &json!("this token is not known here")));
    let log = serde_json::to_string(&post.told().await).unwrap();
    assert!(log.contains("access.signed_in") && log.contains("access.signed_out"), "{log}");
    assert!(!log.contains(secret) && !log.contains(PASSWORD), "{log}");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_and_a_wrong_password_are_told_the_same_and_are_audited() {
    let dir = tempfile::tempdir().unwrap();
    let post = post_with_ana(dir.path()).await;
    post.add("bo", Role::Viewer).await;
    post.set_standing("bo", Standing::Disabled).await;
    post.add_program("ci", Role::Viewer).await;
    let wrong = sign_in(&post, "ana", "wrong horse battery", "").await;
    assert_eq!((wrong.0, &wrong.1["detail"]), (401, &json!("wrong name, password or code")));
    for (name, password) in [("nobody", PASSWORD), ("", PASSWORD), ("ci", PASSWORD), ("bo", PASSWORD), ("a\u{0}b", "")]
    {
        assert_eq!(sign_in(&post, name, password, "").await, wrong, "{name:?}");
    }
    let told = serde_json::to_string(&post.told().await).unwrap();
    assert!(told.contains("access.sign_in_refused") && !told.contains("nobody\""), "{told}");
    let (status, problem) = nobody(&post).post("/v1/session", json!({ "name": "ana" })).await;
    assert_eq!(status, 422, "{problem}");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_at_an_account_is_slowed_down() {
    let dir = tempfile::tempdir().unwrap();
    let post = post_with_ana(dir.path()).await;
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(sign_in(&post, "ana", "wrong horse battery", "").await.0);
    }
    assert_eq!(answers[..4], [401; 4]);
    assert!(answers[4..].contains(&429), "{answers:?}");
    post.end().await;
}

/// The code an authenticator shows for what it was given.
fn code(uri: &str) -> String {
    let secret = uri.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    let bits: String = secret.chars().map(|letter| format!("{:05b}", value(letter))).collect();
    let bytes: Vec<u8> = bits.as_bytes().chunks_exact(8).map(bits_of).collect();
    let step = u64::try_from(SystemClock.now().timestamp()).unwrap() / 30;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let tag = ring::hmac::sign(&key, &step.to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let four: [u8; 4] = tag.as_ref()[at..at + 4].try_into().unwrap();
    format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
}

fn value(letter: char) -> u32 {
    match letter {
        'A'..='Z' => letter as u32 - 'A' as u32,
        _ => letter as u32 - '2' as u32 + 26,
    }
}

fn bits_of(bits: &[u8]) -> u8 {
    u8::from_str_radix(std::str::from_utf8(bits).unwrap(), 2).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_confirmed_wanted_used_and_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let post = post_with_ana(dir.path()).await;
    let http = post.http_with(&post.session("ana").await);
    let (status, problem) = http.post("/v1/accounts/ana/totp", json!({})).await;
    assert_eq!(status, 422, "the password is wanted again: {problem}");
    assert_eq!(http.post("/v1/accounts/ana/totp", json!({ "current": "wrong horse battery" })).await.0, 401);
    let (status, shown) = http.post("/v1/accounts/ana/totp", json!({ "current": PASSWORD })).await;
    assert_eq!((status, shown["recovery_codes"].as_array().unwrap().len()), (200, 8), "{shown}");
    assert_eq!(http.get("/v1/accounts/ana").await.1["totp"], false, "it is not in force yet");
    let uri = shown["uri"].as_str().unwrap();
    assert_eq!(http.post("/v1/accounts/ana/totp/confirm", json!({ "code": "x" })).await.0, 422);
    let (status, account) = http.post("/v1/accounts/ana/totp/confirm", json!({ "code": code(uri) })).await;
    assert_eq!((status, &account["totp"]), (200, &json!(true)), "{account}");
    assert_eq!(http.get("/v1/session").await.0, 401, "its sessions are over");

    let (status, problem) = sign_in(&post, "ana", PASSWORD, "").await;
    assert_eq!((status, &problem["type"]), (401, &json!("urn:morningai:problem:code-wanted")), "{problem}");
    assert_eq!(sign_in(&post, "ana", "wrong horse battery", "").await.1["type"], "urn:morningai:problem:not-admitted");
    let recovery = shown["recovery_codes"][2].as_str().unwrap();
    let (status, begun) = sign_in(&post, "ana", PASSWORD, recovery).await;
    assert_eq!(status, 201, "{begun}");
    assert_eq!(sign_in(&post, "ana", PASSWORD, recovery).await.0, 401, "each is good once");
    let http = post.http_with(begun["token"].as_str().unwrap());
    let proof = json!({ "current": PASSWORD, "code": shown["recovery_codes"][3] });
    let (status, account) = http.post("/v1/accounts/ana/totp/remove", proof).await;
    assert_eq!((status, &account["totp"]), (200, &json!(false)), "{account}");
    let log = serde_json::to_string(&post.told().await).unwrap();
    assert!(!log.contains("otpauth") && !log.contains(recovery), "{log}");
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_added_changed_and_disabled_by_those_above() {
    let dir = tempfile::tempdir().unwrap();
    let post = post_with_ana(dir.path()).await;
    let ana = post.http_with(&post.session("ana").await);
    let new = |name: &str, role: &str| json!({ "name": name, "role": role, "password": PASSWORD });
    let (status, bo) = ana.post("/v1/accounts", new("Bo", "admin")).await;
    assert_eq!((status, &bo["name"], &bo["state"]), (201, &json!("bo"), &json!("active")), "{bo}");
    assert_eq!(ana.post("/v1/accounts", new("bo", "viewer")).await.0, 409);
    let bo = post.http_with(&post.session("bo").await);
    assert_eq!(bo.post("/v1/accounts", new("cy", "operator")).await.0, 201);
    for (status, (got, problem)) in [
        (403, bo.post("/v1/accounts", new("di", "admin")).await),
        (403, bo.post("/v1/accounts/bo/role", json!({ "role": "owner" })).await),
        (403, bo.post("/v1/accounts/ana/disable", json!({})).await),
        (403, bo.post("/v1/accounts/ana/password", json!({ "password": "another tin roof" })).await),
        (403, bo.post("/v1/accounts/ana/totp", json!({})).await),
        (403, ana.post("/v1/accounts/ana/role", json!({ "role": "viewer" })).await),
        (404, bo.post("/v1/accounts/cyd/disable", json!({})).await),
        (422, bo.post("/v1/accounts", json!({ "name": "no name", "role": "viewer" })).await),
        (422, bo.post("/v1/accounts", json!({ "name": "di", "role": "queen" })).await),
        (422, bo.post("/v1/accounts", json!({ "name": "di", "role": "viewer", "password": "short" })).await),
        (422, bo.post("/v1/accounts/bo/password", json!({ "password": "another tin roof" })).await),
    ] {
        assert_eq!(got, status, "{problem}");
        assert!(!problem["detail"].as_str().unwrap().is_empty() && !problem["hint"].as_str().unwrap().is_empty());
        assert!(!problem.to_string().contains("another tin roof"), "{problem}");
    }
    assert_eq!(bo.post("/v1/accounts/cy/role", json!({ "role": "viewer" })).await.1["role"], "viewer");
    assert_eq!(bo.post("/v1/accounts/cy/disable", json!({})).await.1["state"], "disabled");
    assert_eq!(bo.post("/v1/accounts/cy/disable", json!({})).await.0, 409);
    assert_eq!(sign_in(&post, "cy", PASSWORD, "").await.0, 401);
    assert_eq!(bo.post("/v1/accounts/cy/enable", json!({})).await.1["state"], "active");
    let changed = json!({ "password": "another tin roof", "current": PASSWORD });
    assert_eq!(bo.post("/v1/accounts/bo/password", changed).await.0, 200);
    assert_eq!(sign_in(&post, "bo", "another tin roof", "").await.0, 201);
    let names: Vec<_> = ana.get("/v1/accounts").await.1["accounts"].as_array().unwrap().to_vec();
    let names: Vec<_> = names.iter().map(|account| account["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ana", "bo", "cy"]);
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_issued_shown_once_used_and_revoked_and_the_audit_is_paged() {
    let dir = tempfile::tempdir().unwrap();
    let post = post_with_ana(dir.path()).await;
    post.add("cy", Role::Viewer).await;
    let (ana, cy) = (post.http_with(&post.session("ana").await), post.http_with(&post.session("cy").await));
    let order = |account: &str, scope: &str| json!({ "account": account, "label": "ci", "scopes": [scope] });
    let (status, issued) = cy.post("/v1/tokens", order("cy", "runs.read")).await;
    assert_eq!(status, 201, "{issued}");
    let program = post.http_with(issued["secret"].as_str().unwrap());
    assert_eq!(program.get("/v1/runs").await.0, 200);
    for (status, (got, problem)) in [
        (403, cy.post("/v1/tokens", order("ana", "runs.read")).await),
        (403, cy.post("/v1/tokens", order("cy", "runs.start")).await),
        (422, cy.post("/v1/tokens", order("cy", "runs.fly")).await),
        (
            422,
            cy.post("/v1/tokens", json!({ "account": "cy", "label": "x", "scopes": ["runs.read"], "days": 0 })).await,
        ),
        (403, program.post("/v1/tokens", order("cy", "runs.read")).await),
        (404, cy.post("/v1/tokens/0198/revoke", json!({})).await),
    ] {
        assert_eq!(got, status, "{problem}");
    }
    ana.post("/v1/tokens", order("ana", "accounts.manage")).await;
    let count = async |http: &Http| http.get("/v1/tokens").await.1["tokens"].as_array().unwrap().len();
    assert_eq!((count(&ana).await, count(&cy).await), (2, 1), "a viewer sees their own");
    let id = issued["id"].as_str().unwrap();
    let (status, revoked) = cy.post(&format!("/v1/tokens/{id}/revoke"), json!({})).await;
    assert_eq!((status, &revoked["state"]), (200, &json!("revoked")), "{revoked}");
    assert_eq!(program.get("/v1/runs").await.1["detail"], "this token was revoked");

    let (_, first) = ana.get("/v1/audit?limit=3").await;
    let seqs = |page: &Value| -> Vec<u64> {
        page["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!((seqs(&first).len(), &first["more"]), (3, &json!(true)));
    let (_, next) = ana.get(&format!("/v1/audit?limit=500&before={}", seqs(&first)[2])).await;
    assert!(seqs(&next).iter().all(|seq| *seq < seqs(&first)[2]) && next["more"] == false, "{next}");
    let (_, by_cy) = ana.get("/v1/audit?who=Cy").await;
    assert!(by_cy["events"].as_array().unwrap().iter().all(|event| event["by"] == "person:cy"), "{by_cy}");
    assert!(!by_cy["events"].as_array().unwrap().is_empty());
    post.end().await;
}
