//! Who may come in from outside, and what they may do there.

use std::net::IpAddr;

use async_trait::async_trait;

/// Lets people and programs in from the network. Everything that comes is shown to it before anything else is done.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Who this is. Asked once a request, and once for each WebSocket.
    async fn admit(&self, presented: Presented<'_>, from: IpAddr) -> Result<Principal, Refusal>;

    /// Whether they may do this now. Asked for each action, also on a WebSocket that has been open for long, so a
    /// right that was taken away ends here.
    fn allows(&self, principal: &Principal, action: Action) -> Result<(), Refusal>;
}

/// What somebody shows at the gate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Presented<'a> {
    Nothing,
    /// The value of `Authorization: Bearer`.
    Bearer(&'a str),
}

/// Somebody who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The person in whose name commands are submitted.
    pub name: String,
    /// By which credential the gate knows them: an id of its own, never the secret. Empty when there is only one.
    pub credential: String,
}

/// What can be done from outside; every route and every message of a console is one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// See runs, requests, agents, and follow the feed.
    Look,
    /// Read, search, export and verify the log, and take recordings of runs.
    ReadLog,
    /// Start a run.
    Start,
    /// Approve, deny, answer, settle.
    Decide,
    /// Pause, resume, cancel a run.
    Steer,
}

impl Action {
    pub const ALL: [Self; 5] = [Self::Look, Self::ReadLog, Self::Start, Self::Decide, Self::Steer];

    /// What a person would call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::ReadLog => "read the log",
            Self::Start => "start runs",
            Self::Decide => "decide",
            Self::Steer => "steer runs",
        }
    }
}

/// Why somebody is not let in, or may not do something. Says nothing that would help a stranger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub kind: RefusalKind,
    pub message: String,
    pub hint: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// Nobody is known by what was presented.
    Unknown,
    /// They are known, and may not do this.
    NotAllowed,
    /// They ask too often; the seconds after which it is worth trying again.
    TooOften { retry_after: u64 },
    /// It cannot be found out now.
    Unavailable,
}

impl Refusal {
    pub fn new(kind: RefusalKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: hint.into() }
    }
}
