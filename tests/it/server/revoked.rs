//! What was taken away ends on connections that are open, within a second or so, and says why.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use morningai::access::{DoorSettings, password, people};
use morningai::client::RemoteClient;
use morningai::client::remote::{Target, TokenSource, Trust};
use morningai::domain::*;
use morningai::kinds::*;
use morningai::ports::*;
use morningai::server::Exposure;
use secrecy::SecretString;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::house::root;
use super::post::{Http, Post, TOKEN, TURNS, attach_to, generous, until_link};
use crate::runtime::desk::ana;

/// Longer than a look takes to come round on a busy machine, and much shorter than anything that ends by itself.
const SOON: Duration = Duration::from_secs(10);

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
    let refused = client.submit(RunVerb::Pause.on(run), ana()).await.unwrap_err();
    assert!(refused.message.contains(why), "{refused:?}");
    assert!(client.query(Query::Rows(RowQuery::ended(RowKind::Run, None, 1))).await.unwrap_err().message.contains(why));
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
            busy.query(Query::Rows(RowQuery::ended(RowKind::Run, None, 1))).await.unwrap();
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        () = ended => {}
        _ = using => unreachable!("it goes on"),
    }
    busy.query(Query::Rows(RowQuery::ended(RowKind::Run, None, 1))).await.unwrap();
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
    client.submit(RunVerb::Pause.on(run), ana()).await.unwrap();
    post.set_role("bo", Role::Viewer).await;
    let refused = loop {
        let refused = client.submit(RunVerb::Resume.on(run), ana()).await.unwrap_err();
        // It may just be attaching anew.
        if refused.kind != RejectionKind::NotSaved {
            break refused;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
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

/// Passes bytes on, counts the connections it took, and cuts them when asked to.
struct Relay {
    address: SocketAddr,
    taken: Arc<AtomicUsize>,
    open: Arc<Mutex<JoinSet<()>>>,
}

impl Relay {
    async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, taken, open) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default(), Arc::default());
        let relay = Self { address, taken: taken.clone(), open: Arc::clone(&open) };
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                taken.fetch_add(1, Ordering::SeqCst);
                open.lock().unwrap().spawn(async move {
                    let mut far = TcpStream::connect(server).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        relay
    }

    fn cut(&self) {
        self.open.lock().unwrap().abort_all();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_any_more_does_not_go_on_trying() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    post.add("root", Role::Owner).await;
    post.add_program("ci", Role::Viewer).await;
    for is_cut in [false, true] {
        let (id, secret) = post.token("ci", [Action::ReadLog]).await;
        let relay = Relay::start(post.server.address()).await;
        let client = attach_to(relay.address, &secret).await.unwrap();
        client.open().await.unwrap();
        post.revoke(id).await;
        if is_cut {
            // It learns of it from the refusal of its next try.
            relay.cut();
        }
        ends(&client, "this token was revoked").await;
        let before = relay.taken.load(Ordering::SeqCst);
        // Longer than it ever waits between two tries.
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert_eq!(relay.taken.load(Ordering::SeqCst), before, "it tried again");
        assert!(matches!(client.status().link, Link::Ended { .. }));
    }
    post.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_token_in_the_file_is_another_try() {
    let dir = tempfile::tempdir().unwrap();
    let post = Post::open(dir.path()).await;
    post.add("root", Role::Owner).await;
    post.add_program("ci", Role::Viewer).await;
    let (id, first) = post.token("ci", [Action::ReadLog]).await;
    let shown = Arc::new(Mutex::new(first));
    let source = shown.clone();
    let target = Target::parse(&post.server.url(), Trust::Machine).unwrap();
    let source: TokenSource = Arc::new(move || Ok(SecretString::from(source.lock().unwrap().clone())));
    let client = RemoteClient::connect(target, source).await.unwrap();
    client.open().await.unwrap();
    post.revoke(id).await;
    ends(&client, "this token was revoked").await;
    let second = post.token("ci", [Action::ReadLog]).await.1;
    *shown.lock().unwrap() = second;
    until_link(&client, "up again", |link| matches!(link, Link::Up { .. })).await;
    post.end().await;
}
