//! Whatever the gate says holds for every route and every message.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use morningai::domain::*;
use morningai::ports::Action;
use morningai::ports::*;
use morningai::protocol::Launch;
use morningai::protocol::LaunchKind;
use morningai::server::Exposure;
use serde_json::json;

use super::post::Post;
use super::post::TURNS;
use super::post::open_approval;
use super::post::until_link;
use crate::runtime::desk::ana;

/// Admits everybody as ben, who may do what is listed.
struct Listed(Mutex<Vec<Action>>);

#[async_trait]
impl Gate for Listed {
    async fn admit(&self, presented: Presented<'_>, _from: IpAddr) -> Result<Principal, Refusal> {
        match presented {
            Presented::Bearer("too-often") => {
                let kind = RefusalKind::TooOften { retry_after: 7 };
                Err(Refusal::new(kind, "too many requests", "wait a little"))
            }
            _ => Ok(Principal { name: "ben".to_owned(), credential: String::new() }),
        }
    }

    fn allows(&self, _principal: &Principal, action: Action) -> Result<(), Refusal> {
        match self.0.lock().unwrap().contains(&action) {
            true => Ok(()),
            false => Err(Refusal::new(RefusalKind::NotAllowed, "ben may not do that", "ask an admin")),
        }
    }
}

async fn open(dir: &std::path::Path, may: &[Action]) -> (Post, Arc<Listed>) {
    let gate = Arc::new(Listed(Mutex::new(may.to_vec())));
    let listen = "127.0.0.1:0".parse().unwrap();
    let exposure = Exposure { listen, identity: None, is_terminated_elsewhere: false, names: Vec::new() };
    (Post::open_with(dir, exposure, TURNS, gate.clone()).await, gate)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_look_can_do_nothing_else_by_any_way() {
    let dir = tempfile::tempdir().unwrap();
    let (post, _) = open(dir.path(), &[Action::Look]).await;
    let run = post.desk.begin().await;
    let approval = post.desk.open_approval().await;
    let http = post.http();
    let document = morningai::server::openapi_document();
    let mut refused = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let right = operation["description"].as_str().unwrap_or("Needs the right to look.");
            let path = path.replace("{id}", &run.to_string()).replace("{name}", "dev");
            let request = http.client.request(method.to_uppercase().parse().unwrap(), format!("{}{path}", http.base));
            let (status, problem) = http.send(request).await;
            let may = right == "Needs the right to look.";
            assert_eq!(status == 403, !may, "{method} {path}: {problem}");
            refused += usize::from(!may);
        }
    }
    assert!(refused >= 10, "{refused}");

    let client = post.attach().await;
    client.open().await.unwrap();
    assert_eq!(client.person(), Actor::Person("ben".to_owned()));
    for command in [
        Command::Approve { approval: approval.id, digest: approval.digest.0.clone() },
        Command::Deny { approval: approval.id, reason: "no".into() },
        Command::Pause { run },
        Command::Cancel { run, reason: String::new() },
    ] {
        let rejection = client.submit(command.clone(), ana()).await.unwrap_err();
        assert_eq!(rejection.kind, RejectionKind::NotAllowed, "{command:?}");
    }
    let launch = Launch { kind: LaunchKind::Agent("dev".into()), goal: "x".into(), workspace: String::new() };
    assert_eq!(client.prepare(launch).await.unwrap_err().message, "ben may not do that");
    assert!(client.directories("/").await.is_err() && client.remember("x").await.is_err());
    let log = Query::LogBefore { before: u64::MAX, limit: 1 };
    assert!(client.query(log).await.is_err());
    let stream = Query::Stream { stream: Stream::Run(run), after: 0, limit: 1 };
    assert!(client.query(stream).await.is_ok());
    assert!(post.host.goals.lock().unwrap().is_empty());
    assert!(post.desk.runtime.open().0.approvals[&approval.id].state.is_open());
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_ends_a_console_that_is_attached() {
    let dir = tempfile::tempdir().unwrap();
    let (post, gate) = open(dir.path(), &Action::ALL).await;
    post.desk.begin().await;
    let client = post.attach().await;
    open_approval(&client).await;
    gate.0.lock().unwrap().clear();
    until_link(
        &client,
        "left",
        |link| matches!(link, Link::Down { reason, .. } if reason.contains("ben may not do that")),
    )
    .await;
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let (post, _) = open(dir.path(), &Action::ALL).await;
    let http = post.http();
    let request = http.client.get(format!("{}/v1/runs", http.base)).bearer_auth("too-often");
    let response = request.send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    let problem: serde_json::Value = response.json().await.unwrap();
    assert_eq!((&problem["retry_after"], &problem["hint"]), (&json!(7), &json!("wait a little")));
    post.end().await;
}
