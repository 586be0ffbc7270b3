//! The messages.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answer::WireAnswer;
use super::parts::SnapshotPart;
use crate::billing::Account;
use crate::domain::{Rejection, RunId, RunSpec, Timestamp};
use crate::kinds::{Command, Envelope, Stream};
use crate::ports::{FeedItem, Observe, Query, Roster, Sought};

/// What a console says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum FromConsole {
    /// The first message, and only that.
    Hello(Hello),
    /// "I am here; how old is what I have?"
    Beat {
        number: u64,
    },
    Request {
        id: Uuid,
        wish: Box<Wish>,
    },
    /// What this console shows, in a word that says the same on each; empty while it shows nothing.
    LooksAt {
        place: String,
    },
}

/// What a server says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum FromServer {
    /// Answers the hello.
    Welcome(Box<Welcome>),
    /// Answers the hello, and the socket closes.
    Refused {
        message: String,
        hint: String,
    },
    /// A part of what is live and recent. Once the last one is there, it replaces whatever the console had.
    Snapshot {
        part: Box<SnapshotPart>,
    },
    /// That was all of the snapshot. `mark` is its last event; there is none in an empty log.
    SnapshotEnd {
        mark: Option<Mark>,
    },
    /// The console's own state holds, and what it missed has been told.
    Resumed {},
    Items {
        items: Vec<FeedItem>,
    },
    Beat {
        number: u64,
    },
    Reply {
        id: Uuid,
        outcome: Box<Outcome>,
    },
    /// So many others look at the same thing now.
    Company {
        others: usize,
    },
}

/// How a console introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub protocol: u32,
    /// `morningai 0.1.0`
    pub program: String,
    /// The last event it has, to go on from there; without one it gets a snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Mark>,
}

/// An event as a place: enough to tell whether another log, or one restored from a backup, has the same one there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub seq: u64,
    pub stream: Stream,
    pub version: u64,
    pub at: Timestamp,
}

impl Mark {
    pub fn of(envelope: &Envelope) -> Self {
        Self { seq: envelope.seq, stream: envelope.stream, version: envelope.version, at: envelope.at }
    }
}

/// What a console should know of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    pub protocol: u32,
    pub program: String,
    /// In whose name the console's commands are submitted.
    pub person: String,
    /// What they may do there: `operator`.
    pub role: String,
    pub source: String,
    pub model: Option<String>,
    pub sandbox: String,
    /// The better rung that the server's machine had before; empty where it has not fallen.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sandbox_before: String,
    pub observe: Observe,
    /// Who is on call; none where nobody is configured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rosters: Vec<Roster>,
    /// What is subscribed to; none where no plan is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing: Option<Box<Account>>,
}

/// What a console wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "wish", rename_all = "snake_case")]
pub enum Wish {
    Query {
        query: Query,
    },
    /// Carried out once, however often a request of this id arrives.
    Submit {
        command: Box<Command>,
    },
    Offers {},
    Prepare {
        launch: Launch,
    },
    Complete {
        sought: Sought,
    },
    /// Keep this goal for the next time.
    Remember {
        goal: String,
    },
}

/// A run to be prepared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    pub kind: LaunchKind,
    pub goal: String,
    /// Directory on the server's machine; empty for what is usual there.
    pub workspace: String,
}

/// By whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaunchKind {
    Agent(String),
    Procedure(String),
}

/// Everything that can be started there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offers {
    pub agents: Vec<Offered>,
    pub procedures: Vec<Offered>,
    /// Newest last.
    pub past_goals: Vec<String>,
    /// Directory that a new goal suggests to work in.
    pub workspace: String,
}

/// An agent or a procedure, as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    pub name: String,
    pub description: String,
}

/// What came of a wish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    Answered {
        answer: Box<WireAnswer>,
    },
    /// The command was carried out; these are its events.
    Committed {
        events: Vec<Envelope>,
    },
    Rejected {
        rejection: Rejection,
    },
    Offers {
        offers: Offers,
    },
    Prepared {
        run: RunId,
        spec: Box<RunSpec>,
    },
    Completed {
        found: Vec<String>,
    },
    Remembered {},
    /// There is no answer, for this reason.
    Failed {
        message: String,
        hint: String,
    },
}
