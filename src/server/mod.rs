//! The orchestrator for those who are elsewhere: an HTTP API, and the feed that attached consoles live on.
//!
//! `listen` takes connections and is patient with none of them for long; `door` lets in only whom the gate admits, and
//! only to what they may do; `rights` asks it about each command, of a request and of an attached console alike;
//! `routes` is the one table that the router and the OpenAPI document are both made from; `feed` tells consoles what
//! is committed and takes their wishes. Nothing here decides or stores anything: it asks a `Client`, like a console, and
//! the caretaker of the store, one thing at a time (`turn`).

mod api;
mod app;
mod body;
mod commit;
mod door;
mod enrolment;
mod feed;
mod health;
mod hooks;
mod host;
mod hosts;
mod listen;
mod listen_error;
mod openapi;
mod peer;
mod prepared;
mod problem;
mod query;
mod readiness;
mod rights;
mod router;
mod routes;
mod slack;
mod stripe;
mod tls;
mod token;
mod turn;
mod upkeep;

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Gate;
use crate::ports::{Client, Log};

pub use hooks::Hooks;
pub use host::{Host, Unprepared, Whose};
pub use hosts::Hosts;
pub use listen::Exposure;
pub use listen_error::ListenError;
pub use openapi::document as openapi_document;
pub use routes::{Operation, operations, table as route_table};
pub use slack::SlackDoor;
pub use stripe::StripeDoor;
pub use tls::Identity;
pub use token::{TokenFileError, own_token, read_token};
pub use upkeep::Upkeep;

use app::App;

/// Time between looks at what the log was not told of yet.
const TELL: std::time::Duration = std::time::Duration::from_secs(5);

/// What the server works with.
pub struct Parts {
    pub client: Arc<dyn Client>,
    pub log: Arc<dyn Log>,
    pub host: Arc<dyn Host>,
    pub upkeep: Arc<dyn Upkeep>,
    pub gate: Arc<Gate>,
    pub hooks: Hooks,
    pub exposure: Exposure,
}

/// A listening server. Dropping it stops nothing; call `end`.
pub struct Server {
    address: SocketAddr,
    scheme: &'static str,
    gate: Arc<Gate>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    /// Listens, and serves until it is ended.
    pub async fn start(parts: Parts) -> Result<Self, ListenError> {
        let stopping = CancellationToken::new();
        let tasks = TaskTracker::new();
        let listener = listen::Listener::bind(&parts.exposure).await?;
        let (address, scheme) = (listener.address, listener.scheme());
        let hosts = parts.exposure.hosts(address);
        let hub = feed::Hub::new(parts.client.clone());
        let feed = hub.begin().await;
        tasks.spawn(hub.clone().run(feed, stopping.clone()));
        let app = Arc::new(App {
            client: parts.client,
            log: parts.log,
            host: parts.host,
            upkeep: parts.upkeep,
            turns: turn::Turns::default(),
            gate: parts.gate.clone(),
            hooks: parts.hooks,
            enrolments: enrolment::Enrolments::default(),
            hosts,
            hub,
            company: feed::Company::new(),
            prepared: prepared::Prepared::default(),
            readiness: readiness::Readiness::default(),
            consoles: feed::seats(),
            document: LazyLock::new(openapi::document),
            stopping: stopping.clone(),
            tasks: tasks.clone(),
        });
        let router = router::router(app);
        tasks.spawn(listener.serve(router, stopping.clone(), tasks.clone()));
        tasks.spawn(tell_of_attempts(parts.gate.clone(), stopping.clone()));
        Ok(Self { address, scheme, gate: parts.gate, stopping, tasks })
    }

    /// Where it listens: `http://127.0.0.1:7417`.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more, tells consoles that it ends, and lets requests under way finish, for a few seconds.
    pub async fn end(&self) {
        self.stopping.cancel();
        self.tasks.close();
        if tokio::time::timeout(listen::LAST_WORDS, self.tasks.wait()).await.is_err() {
            tracing::warn!("some connections were still open when the server ended");
        }
        self.gate.tell_rest().await;
    }
}

/// Has the log told of attempts that were counted together.
async fn tell_of_attempts(gate: Arc<Gate>, stopping: CancellationToken) {
    while stopping.run_until_cancelled(tokio::time::sleep(TELL)).await.is_some() {
        gate.tell().await;
    }
}
