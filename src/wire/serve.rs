//! `morningai serve`: the orchestrator without a screen.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::receivers::TokenPlace;
use super::served_store::ServedStore;
use super::{Wire, doctor, goals, launch};
use crate::access::{Gate, OwnToken, SystemEntropy};
use crate::cli::{AskModels, Exit, Failure, Finding, Output, ServeOptions};
use crate::client::Recording;
use crate::domain::{RunId, RunSpec, Timestamp};
use crate::feeds::{Probe, ProbeBoard};
use crate::notify::Sender;
use crate::ports::{Accounts, Client, Log, Offer, Order, Roster, Sought, SystemClock};
use crate::protocol;
use crate::runtime::Role;
use crate::server::{Exposure, Host, Identity, ListenError, Parts, Server, Unprepared, Whose, own_token};
use crate::shape::OnCallShape;

impl Wire {
    /// Serves until a signal ends it. What is under way then ends in order, and the runs go on at the next start.
    pub async fn serve(self: Arc<Self>, options: ServeOptions, output: &mut Output) -> Result<Exit, Failure> {
        let mut signals = Signals::listen()?;
        let exposure = exposure(options)?;
        self.places.make_data_dir()?;
        let settings = self.door_settings()?;
        let (hooks, place) = self.hooks()?;
        let receivers: Vec<_> = hooks.open().collect();
        let hooks = hooks.with_slack(self.slack_door()?).with_stripe(self.stripe_door()?);
        let session = self.start(Role::Worker).await?;
        let entry = match self.entry(session.accounts().as_ref()).await {
            Ok(entry) => entry,
            Err(failure) => {
                session.end_in_order().await;
                return Err(failure);
            }
        };
        let entropy = Arc::new(SystemEntropy::new());
        let gate = Gate::new(session.accounts(), entropy, Arc::new(SystemClock), settings, entry.own_token);
        let client = session.shared();
        self.learn_sandbox(&client).await;
        let shared: Arc<dyn Client> = client;
        let host = Arc::new(ServerHost { wire: self.clone(), log: session.log() });
        let upkeep = Arc::new(ServedStore::new(self.clone(), session.store(), session.turns()));
        let parts = Parts { client: shared, log: session.log(), host, upkeep, gate: Arc::new(gate), hooks, exposure };
        let server = match Server::start(parts).await {
            Ok(server) => server,
            Err(error) => {
                session.end_in_order().await;
                return Err(error.into());
            }
        };
        tracing::info!(url = server.url(), "listening");
        let announced = self.announce(&server, entry.token_file.as_deref(), (&place, &receivers), output);
        if announced.is_ok() {
            signals.next().await;
        }
        tracing::info!("ending");
        server.end().await;
        session.end_in_order().await;
        announced.map(|()| Exit::Done)
    }

    /// How people come in: by their accounts; where there are none, by the token in a file, which is made where there is
    /// none yet.
    async fn entry(&self, accounts: &dyn Accounts) -> Result<Entry, Failure> {
        if !accounts.accounts().await?.is_empty() {
            return Ok(Entry { own_token: None, token_file: None });
        }
        let token_file = self.places.paths.data_dir().join(protocol::TOKEN_FILE);
        let token = own_token(&token_file).map_err(|error| Failure::usage(error.to_string()).next(error.hint))?;
        Ok(Entry { own_token: Some(OwnToken::new(self.person.name(), &token)), token_file: Some(token_file) })
    }

    /// Says where it listens, who is let in, and how Alertmanager is told of it.
    fn announce(
        &self,
        server: &Server,
        token_file: Option<&Path>,
        (hooks, receivers): (&TokenPlace, &[&str]),
        output: &mut Output,
    ) -> Result<(), Failure> {
        let url = server.url();
        if self.options.json {
            let token_file = token_file.map(|path| path.display().to_string());
            let alerts = format!("{url}/v1/hooks/alertmanager");
            return output.json(&serde_json::json!({ "listening": url, "token_file": token_file, "alerts": alerts }));
        }
        output.line(&match token_file {
            Some(path) => {
                format!("listening on {url}; until there is an account, the token in {} opens it", path.display())
            }
            None => format!("listening on {url}; people sign in with their accounts, programs show tokens of them"),
        })?;
        output.line(&format!("for alerts, in a receiver of alertmanager.yml:\n{}", hooks.for_alertmanager(&url)))?;
        for other in receivers.iter().filter(|name| **name != "alertmanager") {
            output.line(&format!("webhooks of {other}: {url}/v1/hooks/{other}"))?;
        }
        Ok(())
    }
}

/// What opens a server.
struct Entry {
    own_token: Option<OwnToken>,
    token_file: Option<PathBuf>,
}

fn exposure(options: ServeOptions) -> Result<Exposure, Failure> {
    let identity = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => Some(Identity::read(certificate, key)?),
        _ => None,
    };
    let ServeOptions { listen, tls_elsewhere: is_terminated_elsewhere, names, .. } = options;
    Ok(Exposure { listen, identity, is_terminated_elsewhere, names })
}

impl From<ListenError> for Failure {
    fn from(error: ListenError) -> Self {
        let failure = if error.is_usage { Self::usage(error.message) } else { Self::failed(error.message) };
        failure.next(error.hint)
    }
}

/// SIGINT, SIGTERM and SIGHUP; from when they are listened to, they end nothing by themselves.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen =
            |kind| signal(kind).map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

/// What the server asks of the program, answered.
struct ServerHost {
    wire: Arc<Wire>,
    log: Arc<dyn Log>,
}

#[async_trait]
impl Host for ServerHost {
    async fn offers(&self) -> Vec<Offer> {
        launch::offers(&self.wire).0
    }

    async fn past_goals(&self) -> Vec<String> {
        goals::past(&self.wire.places)
    }

    fn workspace(&self) -> String {
        std::env::current_dir().map(|dir| dir.display().to_string()).unwrap_or_default()
    }

    async fn prepare(&self, order: Order) -> Result<RunSpec, Unprepared> {
        let workspace = order.workspace.map(|path| self.wire.places.resolve(&path));
        launch::prepare(&self.wire, Order { workspace, ..order }).await.map_err(|failure| Unprepared {
            whose: if failure.exit == Exit::Failed { Whose::Server } else { Whose::Asker },
            message: failure.message(),
            hint: failure.hint(),
        })
    }

    async fn discard(&self, spec: &RunSpec) {
        launch::discard(spec).await;
    }

    async fn complete(&self, sought: &Sought) -> Vec<String> {
        goals::complete(&self.wire.places, sought).await
    }

    async fn remember(&self, goal: &str) {
        goals::remember(&self.wire.places, goal);
    }

    async fn examine(&self) -> Vec<Finding> {
        doctor::examine(&self.wire, AskModels::No).await
    }

    fn probes(&self) -> (Vec<Arc<Probe>>, Arc<ProbeBoard>) {
        // What cannot be probed was said when the server started.
        (self.wire.probes().unwrap_or_default().to_vec(), self.wire.probe_board.clone())
    }

    fn on_call(&self, at: Timestamp) -> Vec<OnCallShape> {
        self.wire.on_call_at(at)
    }

    fn rosters(&self, from: Timestamp) -> Vec<Roster> {
        self.wire.rosters(from)
    }

    async fn reply_in_slack(&self, response_url: &str, text: &str) {
        if let Err(error) = Sender::reply_in_slack(response_url, text).await {
            tracing::warn!(%error, "somebody in Slack was not told how a decision ended");
        }
    }

    async fn record(&self, run: RunId) -> Result<Option<String>, Unprepared> {
        let failed = |message: String| Unprepared {
            whose: Whose::Server,
            message,
            hint: "the server's log file says more".to_owned(),
        };
        let recording = Recording::of_run(self.log.as_ref(), run).await.map_err(|error| failed(error.message))?;
        recording.map(|recording| recording.to_ndjson().map_err(|error| failed(error.to_string()))).transpose()
    }
}
