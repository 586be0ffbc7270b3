//! A server elsewhere as a client: a mirror of its snapshot, a feed that goes on, and wishes over one WebSocket.
//!
//! `session` signs in and out; `dial` makes a connection; `link` keeps it, and makes a new one when it is cut;
//! `mirror` is what is known here; `pending` holds what was asked for until it is answered, over as many connections
//! as that takes.

mod dial;
mod link;
mod mirror;
mod pending;
mod pulse;
mod session;
mod target;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;

use crate::domain::{Actor, Rejection, RejectionKind, RunId, RunSpec};
use crate::fold::Snapshot;
use crate::kinds::{Command, Envelope};
use crate::ports::{Answer, Client, ClientError, Feed, Query, Sought, Status};
use crate::protocol::{Launch, Offers, Outcome, Wish};

pub use dial::{DialError, DialErrorKind};
pub use link::TokenSource;
pub use session::{Credentials, Session, SignInError};
pub use target::{Target, TargetError, Trust};

use link::Shared;

/// How long a question may take to be answered, and the first connection to be made.
const PATIENCE: Duration = Duration::from_secs(20);

/// A console's view of a server. Dropping it ends the connection.
pub struct RemoteClient {
    shared: Arc<Shared>,
    link: JoinHandle<()>,
}

impl RemoteClient {
    /// Connects, and from then on stays connected; an error is one of the first connection.
    pub async fn connect(target: Target, token: TokenSource) -> Result<Self, DialError> {
        let shared = Arc::new(Shared::new(target, token));
        let first = tokio::time::timeout(PATIENCE, link::connect(&shared)).await;
        let first = first.unwrap_or_else(|_| Err(dial::no_answer(&shared.target)))?;
        let link = tokio::spawn(link::keep(shared.clone(), first));
        Ok(Self { shared, link })
    }

    /// In whose name this console decides: as the server says.
    pub fn person(&self) -> Actor {
        Actor::Person(self.shared.mirror.person())
    }

    /// What can be started there.
    pub async fn offers(&self) -> Result<Offers, ClientError> {
        match self.ask(Wish::Offers {}).await? {
            Outcome::Offers { offers } => Ok(offers),
            other => Err(unasked(other)),
        }
    }

    /// Makes what a run needs, on the server.
    pub async fn prepare(&self, launch: Launch) -> Result<(RunId, RunSpec), ClientError> {
        match self.ask_patiently(Wish::Prepare { launch }).await? {
            Outcome::Prepared { run, spec } => Ok((run, *spec)),
            other => Err(unasked(other)),
        }
    }

    /// Paths there to offer while a goal is being written.
    pub async fn complete(&self, sought: &Sought) -> Result<Vec<String>, ClientError> {
        match self.ask(Wish::Complete { sought: sought.clone() }).await? {
            Outcome::Completed { found } => Ok(found),
            other => Err(unasked(other)),
        }
    }

    /// Keeps a goal there for the next time.
    pub async fn remember(&self, goal: &str) -> Result<(), ClientError> {
        match self.ask(Wish::Remember { goal: goal.to_owned() }).await? {
            Outcome::Remembered {} => Ok(()),
            other => Err(unasked(other)),
        }
    }

    async fn ask(&self, wish: Wish) -> Result<Outcome, ClientError> {
        match tokio::time::timeout(PATIENCE, self.ask_patiently(wish)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ClientError {
                message: format!("{} does not answer", self.shared.target.name()),
                hint: "it is asked again when you ask again".to_owned(),
            }),
        }
    }

    async fn ask_patiently(&self, wish: Wish) -> Result<Outcome, ClientError> {
        let signed_out = |reason: String| ClientError {
            message: format!("signed out, and not answered: {reason}"),
            hint: "attach again, and look".to_owned(),
        };
        if let Some(reason) = self.shared.mirror.end() {
            return Err(signed_out(reason));
        }
        let outcome = self.shared.pending.ask(wish).await;
        outcome.ok_or_else(|| match self.shared.mirror.end() {
            Some(reason) => signed_out(reason),
            None => ClientError { message: "the console is ending".to_owned(), hint: String::new() },
        })
    }
}

#[async_trait]
impl Client for RemoteClient {
    async fn open(&self) -> Result<(Snapshot, Feed), ClientError> {
        match tokio::time::timeout(PATIENCE, self.shared.mirror.open()).await {
            Ok(opened) => Ok(opened),
            Err(_) => Err(ClientError {
                message: format!("{} has not said what goes on there", self.shared.target.name()),
                hint: "it is tried again".to_owned(),
            }),
        }
    }

    async fn query(&self, query: Query) -> Result<Answer, ClientError> {
        match self.ask(Wish::Query { query }).await? {
            Outcome::Answered { answer } => answer.unpack(),
            other => Err(unasked(other)),
        }
    }

    /// `by` is who sits here; in whose name it is decided, the server knows better.
    ///
    /// Nothing is sent while there is no connection. What was sent before it was cut is sent again once there is one,
    /// and has exactly one outcome; until it is known, this waits.
    async fn submit(&self, command: Command, _by: Actor) -> Result<Vec<Envelope>, Rejection> {
        if let Some(reason) = self.shared.mirror.end() {
            let message = format!("nothing was decided: signed out: {reason}");
            return Err(Rejection::new(RejectionKind::NotAllowed, message).hint("leave, and attach again"));
        }
        if !self.shared.mirror.is_up() {
            let name = self.shared.target.name();
            let message = format!("nothing was decided: {name} cannot be reached now");
            return Err(Rejection::new(RejectionKind::NotSaved, message).hint("try again once it is back"));
        }
        let outcome = self.ask_patiently(Wish::Submit { command: Box::new(command) }).await;
        match outcome {
            Ok(Outcome::Committed { events }) => Ok(events),
            Ok(Outcome::Rejected { rejection }) => Err(rejection),
            Ok(other) => {
                let error = unasked(other);
                Err(Rejection::new(RejectionKind::NotAllowed, error.message).hint(error.hint))
            }
            Err(error) => Err(Rejection::new(RejectionKind::NotSaved, error.message).hint(error.hint)),
        }
    }

    fn look_at(&self, place: &str) {
        self.shared.pending.look_at(place);
    }

    fn status(&self) -> Status {
        self.shared.mirror.status(&self.shared.target)
    }
}

impl Drop for RemoteClient {
    fn drop(&mut self) {
        self.link.abort();
    }
}

/// Why an outcome is not the one that was asked for.
fn unasked(outcome: Outcome) -> ClientError {
    match outcome {
        Outcome::Failed { message, hint } => ClientError { message, hint },
        Outcome::Rejected { rejection } => ClientError { message: rejection.message, hint: rejection.hint },
        Outcome::Answered { .. }
        | Outcome::Committed { .. }
        | Outcome::Offers { .. }
        | Outcome::Prepared { .. }
        | Outcome::Completed { .. }
        | Outcome::Remembered {} => ClientError {
            message: "the server answered another question than was asked".to_owned(),
            hint: "use the same version of morningai on both sides".to_owned(),
        },
    }
}
