//! What was taken away ends on connections that are open, within a second or so, and says why.

use std::time::Duration;
use std::time::Instant;

use morningai::access::DoorSettings;
use morningai::access::password;
use morningai::access::people;
use morningai::client::RemoteClient;
use morningai::domain::*;
use morningai::ports::*;
use morningai::server::Exposure;
use serde_json::json;

use super::house::root;
use super::post::Http;
use super::post::Post;
use super::post::TOKEN;
use super::post::TURNS;
use super::post::attach_to;
use super::post::generous;
use super::post::until;
use super::post::until_link;
use super::proxy::Proxy;
use crate::runtime::desk::ana;

/// Longer than a look takes to come round on a busy machine, and much shorter than anything that ends by itself.
const SOON: Duration = Duration::from_secs(6);

async fn attached(post: &Post, token: &str) -> RemoteClient {
    let client = attach_to(post.server.address(), token).await.unwrap();
    client.open().await.unwrap();
    client
}

/// The console is told so, decides nothing from then on, and shows why.
async fn ends(client: &RemoteClient, why: &str) {
    let since = Instant::now();
    until_link(client, why, |link| matches!(link, Link::Ended { reason } if reason.contains(why))).await;
    assert!(since.elapsed() < SOON, "{why}: {:?}", since.elapsed());
    let run = RunId(uuid::Uuid::nil());
    let refused = client.submit(Command::Pause { run }, ana()).await.unwrap_err();
    assert!(refused.message.contains(why), "{refused:?}");
    assert!(client.query(Query::Runs { offset: 0, limit: 1 }).await.unwrap_err().message.contains(why));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_or_whose_account_is_disabled_ends_its_console() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    post.add("root", Role::Owner).await;
    post.add_program("ci", Role::Operator).await;
    let all = || morningai::access::actions_of(Role::Operator);
    let (id, secret) = post.token("ci", all()).await;
    let client = attached(&post, &secret).await;
    post.revoke(id).await;
    ends(&client, "this token was revoked").await;
    let again = attach_to(post.server.address(), &secret).await.err().unwrap();
    assert!(again.message.ends_with("says: this token was revoked"), "{again}");

    post.add("bo", Role::Operator).await;
    let session = post.session("bo").await;
    let client = attached(&post, &session).await;
    post.set_standing("bo", Standing::Disabled).await;
    ends(&client, "this session was ended").await;
    let nobody = Http { token: None, ..post.http() };
    let given = json!({ "name": "bo", "password": super::house::PASSWORD });
    let (status, problem) = nobody.post("/v1/session", given).await;
    assert_eq!((status, &problem["detail"]), (401, &json!("wrong name, password or code")));
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expires_expires_on_open_connections_too() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    post.add("ana", Role::Owner).await;
    let token = attached(&post, &post.token("ana", [Action::ReadLog]).await.1).await;
    let session = attached(&post, &post.session("ana").await).await;
    *post.clock.0.lock().unwrap() = chrono::TimeDelta::days(91);
    ends(&token, "this token has expired").await;
    ends(&session, "this session was not used for 30 minutes").await;
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_used_goes_on_and_one_that_only_listens_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let exposure = Exposure { listen, identity: None, is_terminated_elsewhere: false, names: Vec::new() };
    let settings = DoorSettings { idle: chrono::TimeDelta::seconds(8), ..generous() };
    let post = Post::open_with(dir.path(), exposure, TURNS, settings).await;
    post.add("ana", Role::Owner).await;
    let busy = attached(&post, &post.session("ana").await).await;
    let idle = attached(&post, &post.session("ana").await).await;
    let why = "this session was not used for 8 s";
    let ended = until_link(&idle, why, |link| matches!(link, Link::Ended { reason } if reason.contains(why)));
    let using = async {
        loop {
            busy.query(Query::Runs { offset: 0, limit: 1 }).await.unwrap();
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        () = ended => {}
        () = using => unreachable!("it goes on"),
    }
    busy.query(Query::Runs { offset: 0, limit: 1 }).await.unwrap();
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_and_signing_out_end_sessions() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let account = post.add("ana", Role::Owner).await;
    let secret = post.session("ana").await;
    let client = attached(&post, &secret).await;
    let http = post.http_with(&secret);
    let (status, left) = http.send(http.client.delete(format!("{}/v1/session", http.base))).await;
    assert_eq!((status, &left["name"]), (200, &json!("ana")));
    ends(&client, "this session was ended").await;

    let client = attached(&post, &post.session("ana").await).await;
    let kept = password::keep("another tin roof", [4; 16]).unwrap();
    post.commit(people::set_password(&root(), &account, kept, SystemClock.now()).unwrap()).await;
    ends(&client, "this session was ended").await;
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_role_is_known_to_a_console_that_is_attached_and_holds_for_its_next_command() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let run = post.desk.begin().await;
    post.desk.open_approval().await;
    post.add("root", Role::Owner).await;
    post.add("bo", Role::Operator).await;
    let client = attached(&post, &post.session("bo").await).await;
    client.submit(Command::Pause { run }, ana()).await.unwrap();
    post.set_role("bo", Role::Viewer).await;
    let refused = client.submit(Command::Resume { run }, ana()).await.unwrap_err();
    assert_eq!(refused.kind, RejectionKind::NotAllowed, "{refused:?}");
    let (_, mut feed) = client.open().await.unwrap();
    let told = async {
        while client.status().observe == Observe::No || !matches!(client.status().link, Link::Up { .. }) {
            let _ = tokio::time::timeout(Duration::from_millis(50), feed.recv()).await;
        }
    };
    tokio::time::timeout(SOON, told).await.expect("it attaches again, as a viewer");
    assert!(client.status().observe.hint().unwrap().contains("you are viewer"));
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_server_without_accounts_ends_with_the_first_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    let client = attached(&post, TOKEN).await;
    let http = post.http();
    let (_, oneself) = http.get("/v1/session").await;
    assert_eq!((&oneself["name"], &oneself["role"]), (&json!("ana"), &json!("owner")));
    let first = json!({ "name": "ana", "role": "viewer" });
    assert_eq!(http.post("/v1/accounts", first).await.0, 422, "the first is an owner's");
    let first = json!({ "name": "ana", "role": "owner", "password": super::house::PASSWORD });
    let (status, account) = http.post("/v1/accounts", first).await;
    assert_eq!((status, &account["role"]), (201, &json!("owner")), "{account}");
    ends(&client, "this server has accounts").await;
    let (status, problem) = http.get("/v1/runs").await;
    assert_eq!(status, 401, "{problem}");
    assert!(problem["hint"].as_str().unwrap().contains("sign in"), "{problem}");
    assert_eq!(post.http_with(&post.session("ana").await).get("/v1/runs").await.0, 200);
    post.end().await;
}

/// A console that was let go dials no more; one that may come back does.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_any_more_does_not_go_on_trying() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    post.add("root", Role::Owner).await;
    post.add_program("ci", Role::Viewer).await;
    let (id, secret) = post.token("ci", [Action::ReadLog]).await;
    let proxy = Proxy::start(post.server.address()).await;
    let client = attach_to(proxy.address, &secret).await.unwrap();
    client.open().await.unwrap();
    // Cut and refused when it comes back: the other way to learn of it.
    proxy.lead_to(None);
    until_link(&client, "lost", |link| matches!(link, Link::Down { .. })).await;
    post.revoke(id).await;
    proxy.lead_to(Some(post.server.address()));
    until_link(&client, "over", |link| matches!(link, Link::Ended { reason } if reason == "this token was revoked"))
        .await;
    let refusals = async || {
        let told = post.told().await;
        told.iter().filter(|told| told["event"]["cause"] == "revoked").count()
    };
    let before = refusals().await;
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(refusals().await, before);
    assert!(matches!(client.status().link, Link::Ended { .. }));
    drop(client);
    let other = attached(&post, &post.token("ci", [Action::ReadLog]).await.1).await;
    until(&other, "anything", |_| true).await;
    post.end().await;
}
