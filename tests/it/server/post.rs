//! A server over the test runtime, the parts around it, and small HTTP.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use morningai::access::{DoorSettings, Gate, OwnToken, Quota, SystemEntropy};
use morningai::client::remote::{DialError, Target, Trust};
use morningai::client::{LocalClient, Recording, RemoteClient};
use morningai::domain::*;
use morningai::feeds::{Grouping, Keys, SOURCES};
use morningai::fold::Snapshot;
use morningai::kinds::*;
use morningai::ports::*;
use morningai::runtime::Role;
use morningai::server::{Exposure, Hooks, Host, Parts, Server, Unprepared, Whose};
use morningai::shape::Finding;
use morningai::store::{OpenMode, SqliteLog};
use secrecy::SecretString;
use serde_json::Value;

use super::turns::TestUpkeep;
use crate::runtime::desk::{Counter, Desk, SkewedClock, spec};

pub const TOKEN: &str = "the-token-of-this-test";
/// What opens the receivers.
pub const HOOK_TOKEN: &str = "the-receivers-token-of-this-test";
/// What the model does in a run: plans, wants to push, ends.
pub const TURNS: &[&[&str]] = &[&[], &["push"], &["finish"]];

/// A runtime with a server before it.
pub struct Post {
    pub desk: Arc<Desk>,
    pub server: Server,
    pub host: Arc<TestHost>,
    pub upkeep: Arc<TestUpkeep>,
    /// The accounts, as another process sees and changes them.
    pub accounts: Arc<SqliteLog>,
    /// What the gate goes by.
    pub clock: Arc<SkewedClock>,
}

/// Prepares what it is asked for, and remembers goals.
#[derive(Default)]
pub struct TestHost {
    pub goals: Mutex<Vec<String>>,
    log: Mutex<Option<Arc<dyn Log>>>,
}

#[async_trait]
impl Host for TestHost {
    async fn offers(&self) -> Vec<Offer> {
        vec![Offer {
            name: "dev".to_owned(),
            kind: OfferKind::Agent,
            description: "changes code".to_owned(),
            model: Some("simple".to_owned()),
            tools: vec!["read".to_owned()],
            source: "built in".to_owned(),
            matches: Default::default(),
            text: "Be careful.".to_owned(),
        }]
    }

    async fn past_goals(&self) -> Vec<String> {
        self.goals.lock().unwrap().clone()
    }

    fn workspace(&self) -> String {
        "/srv/code".to_owned()
    }

    async fn prepare(&self, order: Order) -> Result<RunSpec, Unprepared> {
        match order.work {
            Work::Goal { goal, agent } if agent.as_deref().unwrap_or("dev") == "dev" => {
                Ok(RunSpec { goal: goal.into(), ..spec() })
            }
            _ => Err(Unprepared {
                whose: Whose::Asker,
                message: "no agent is called that".to_owned(),
                hint: "there is dev".to_owned(),
            }),
        }
    }

    async fn complete(&self, sought: &Sought) -> Vec<String> {
        match sought {
            Sought::Directories { path } => vec![format!("{path}parser/")],
            Sought::Files { text, .. } => vec![format!("src/{text}.rs")],
        }
    }

    async fn remember(&self, goal: &str) {
        self.goals.lock().unwrap().push(goal.to_owned());
    }

    async fn examine(&self) -> Vec<Finding> {
        vec![Finding::ok("store", "open")]
    }

    async fn record(&self, run: RunId) -> Result<Option<String>, Unprepared> {
        let log = self.log.lock().unwrap().clone().unwrap();
        let recording = Recording::of_run(log.as_ref(), run).await.unwrap();
        Ok(recording.map(|recording| recording.to_ndjson().unwrap()))
    }
}

impl Post {
    /// A server on any free port of loopback, over a store in `dir`; each run reads, then wants to push.
    pub async fn open(dir: &Path) -> Self {
        Self::open_at(dir, "127.0.0.1:0".parse().unwrap(), TURNS).await
    }

    pub async fn open_at(dir: &Path, listen: SocketAddr, turns: &[&[&str]]) -> Self {
        let exposure = Exposure { listen, identity: None, is_terminated_elsewhere: false, names: Vec::new() };
        Self::open_with(dir, exposure, turns, generous()).await
    }

    pub async fn open_with(dir: &Path, exposure: Exposure, turns: &[&[&str]], settings: DoorSettings) -> Self {
        let path = dir.join("test.db");
        let log = Desk::open(&path).await;
        let accounts = SqliteLog::open(&path, Tenant::default(), OpenMode::ReadWrite).await.unwrap();
        let (accounts, clock) = (Arc::new(accounts), Arc::new(SkewedClock::default()));
        let own = OwnToken::new("ana", &SecretString::from(TOKEN.to_owned()));
        let entropy = Arc::new(SystemEntropy::new());
        let push = Counter::new("push", EffectClass::External, Repeat::Once);
        let desk = Arc::new(Desk::start(log.clone(), turns, vec![push], Role::Worker).await);
        let in_turn = desk.runtime.turns().accounts(accounts.clone());
        let gate = Arc::new(Gate::new(in_turn, entropy, clock.clone(), settings, Some(own)));
        let host = Arc::new(TestHost::default());
        *host.log.lock().unwrap() = Some(log.clone());
        let status = Status { source: "sqlite:test.db".to_owned(), ..Status::default() };
        let client = Arc::new(LocalClient::new(desk.runtime.clone(), status));
        let upkeep = Arc::new(TestUpkeep::new(accounts.clone()));
        let token = || Keys::new([SecretString::from(HOOK_TOKEN.to_owned())]);
        let hooks = Hooks::new(SOURCES.iter().map(|source| (source.name, token())), Grouping::default());
        let parts = Parts { client, log, host: host.clone(), upkeep: upkeep.clone(), gate, hooks, exposure };
        let server = Server::start(parts).await.unwrap();
        Self { desk, server, host, upkeep, accounts, clock }
    }

    /// Attaches to the server itself.
    pub async fn attach(&self) -> RemoteClient {
        attach_to(self.server.address(), TOKEN).await.unwrap()
    }

    pub async fn end(self) {
        self.server.end().await;
        self.desk.runtime.shut_down(std::time::Duration::from_secs(5)).await;
    }

    pub fn http(&self) -> Http {
        self.http_with(TOKEN)
    }

    pub fn http_with(&self, token: &str) -> Http {
        Http { base: self.server.url(), client: reqwest_client(), token: Some(token.to_owned()) }
    }
}

/// The usual settings without limits that a test would run into.
pub fn generous() -> DoorSettings {
    let most = vec![Quota::per_minute(1_000_000)];
    DoorSettings { per_principal: most.clone(), per_place: most, ..DoorSettings::default() }
}

pub async fn attach_to(address: SocketAddr, token: &str) -> Result<RemoteClient, DialError> {
    let target = Target::parse(&format!("http://{address}"), Trust::Machine).unwrap();
    let token = SecretString::from(token.to_owned());
    RemoteClient::connect(target, Arc::new(move || Ok(token.clone()))).await
}

pub fn reqwest_client() -> reqwest::Client {
    // Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Requests with a token.
pub struct Http {
    pub base: String,
    pub client: reqwest::Client,
    pub token: Option<String>,
}

impl Http {
    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.send(self.client.get(format!("{}{path}", self.base))).await
    }

    /// Asks until it is answered like this.
    pub async fn get_until(&self, path: &str, wanted: u16) {
        let wait = async { while self.get(path).await.0 != wanted {} };
        let waited = tokio::time::timeout(std::time::Duration::from_secs(30), wait).await;
        assert!(waited.is_ok(), "never: {wanted} of {path}");
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(self.client.post(format!("{}{path}", self.base)).json(&body)).await
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let request = request.build().unwrap();
        let (method, path) = (request.method().as_str().to_ascii_lowercase(), request.url().path().to_owned());
        let response = self.client.execute(request).await.unwrap();
        let status = response.status().as_u16();
        assert!(is_documented(&method, &path, status), "{method} {path} answers {status}, which the document has not");
        let text = response.text().await.unwrap_or_default();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

/// Whether a route may answer so. Where there is no route, the document says nothing.
fn is_documented(method: &str, path: &str, status: u16) -> bool {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(morningai::server::openapi_document);
    let parts = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let asked = parts(path);
    let fits = |template: &&String| {
        let template = parts(template);
        let fits = |(part, asked): (&String, &String)| part.starts_with('{') || part == asked;
        template.len() == asked.len() && template.iter().zip(&asked).all(fits)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    // A fixed path goes before one with a name in it.
    let template = if paths.contains_key(path) { Some(path) } else { paths.keys().find(fits).map(String::as_str) };
    let operation = template.and_then(|template| paths[template].get(method));
    operation.is_none_or(|operation| operation["responses"].get(status.to_string()).is_some())
}

/// The snapshot a console has, as soon as it is as wanted.
pub async fn until(client: &dyn Client, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let wait = async {
        let (mut snapshot, mut feed) = client.open().await.unwrap();
        while !wanted(&snapshot) {
            match feed.recv().await {
                Ok(FeedItem::Committed { envelope }) => drop(snapshot.apply(&envelope)),
                Ok(FeedItem::Lost) | Err(_) => (snapshot, feed) = client.open().await.unwrap(),
                Ok(_) => {}
            }
        }
        snapshot
    };
    match tokio::time::timeout(std::time::Duration::from_secs(30), wait).await {
        Ok(snapshot) => snapshot,
        Err(_) => panic!("never: {what}; the client says {:?}", client.status()),
    }
}

pub async fn open_approval(client: &dyn Client) -> Approval {
    let snapshot = until(client, "a request", |snapshot| snapshot.open_approvals().next().is_some()).await;
    snapshot.open_approvals().next().unwrap().clone()
}

/// Waits until the status is as wanted.
pub async fn until_link(client: &dyn Client, what: &str, wanted: impl Fn(&Link) -> bool) {
    let wait = async {
        let (_, mut feed) = client.open().await.unwrap();
        while !wanted(&client.status().link) {
            // Being stale is also a matter of time, so a look now and then is part of waiting.
            let _ = tokio::time::timeout(std::time::Duration::from_millis(50), feed.recv()).await;
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(30), wait).await;
    assert!(waited.is_ok(), "never: {what}; it is {:?}", client.status().link);
}
