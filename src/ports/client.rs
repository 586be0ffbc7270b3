//! What a console may ask: one trait for a local store, a remote server and a recording.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::billing::Account;
use crate::domain::{Actor, IdempotencyKey, Rejection, RunId, Timestamp};
use crate::fold::Snapshot;
use crate::kinds::{Command, Envelope};
use crate::ports::{Answer, ClientError, FeedItem, LinkOrder, Query, Roster};

/// The feed: everything after the snapshot taken with it. A lagging receiver takes a fresh snapshot.
pub type Feed = broadcast::Receiver<FeedItem>;

/// A source of state and a place for decisions. The console never learns which one it has.
#[async_trait]
pub trait Client: Send + Sync {
    /// What is live and recent, and the feed from exactly there on.
    async fn open(&self) -> Result<(Snapshot, Feed), ClientError>;

    async fn query(&self, query: Query) -> Result<Answer, ClientError>;

    /// Returns once the outcome is on disk: the events that the command led to.
    async fn submit(&self, command: Command, by: Actor) -> Result<Vec<Envelope>, Rejection>;

    /// The same of a command that may arrive twice: it is carried out once.
    async fn submit_once(&self, _: IdempotencyKey, command: Command, by: Actor) -> Result<Vec<Envelope>, Rejection> {
        self.submit(command, by).await
    }

    /// What came of such a command, if it was carried out before; or why that is not told.
    async fn outcome_of(&self, _: &IdempotencyKey) -> Result<Option<Vec<Envelope>>, Rejection> {
        Ok(None)
    }

    /// An address to pay at: fetched from the payment provider for the person who asks, and kept nowhere.
    async fn payment_link(&self, _: &LinkOrder) -> Result<SecretString, ClientError> {
        let hint = "`morningai billing checkout PLAN` or `portal`, where [billing.stripe] is set".to_owned();
        Err(ClientError { message: "links to pay at cannot be fetched from here".to_owned(), hint })
    }

    /// This console looks at something else now: a word for it that is the same on each console. Told to sources that
    /// count who looks at the same thing.
    fn look_at(&self, _place: &str) {}

    /// What the header shows.
    fn status(&self) -> Status;

    /// Controls of a replay; `None` for a live source.
    fn transport(&self) -> Option<Arc<dyn Transport>> {
        None
    }
}

/// Facts about the source that are not events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// `sqlite:…`, `demo: fixed test`.
    pub source: String,
    /// The model that would answer, or `None` when none is configured.
    pub model: Option<String>,
    /// Rung of the sandbox: `bubblewrap`, `namespaces`, `landlock+seccomp`, `none`; empty while it is being looked at.
    pub sandbox: String,
    /// The better rung that this machine had before; empty where it has not fallen.
    pub sandbox_before: String,
    /// Whether decisions are refused here.
    pub observe: Observe,
    pub link: Link,
    /// The role of the person at the console: `operator`; empty in a replay.
    pub role: String,
    /// How many other consoles look at the same thing.
    pub others: usize,
    /// Who is on call; empty where nobody is configured.
    pub rosters: Vec<Roster>,
    /// What is subscribed to; `None` where no plan is set.
    pub billing: Option<Arc<Account>>,
}

/// Whether a console only looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observe {
    #[default]
    No,
    /// It decides and starts nothing; `hint` says what would let it.
    Yes { hint: String },
}

impl Observe {
    /// As `--observe` has it.
    pub fn wanted(is_wanted: bool) -> Self {
        match is_wanted {
            true => Self::Yes { hint: "start it without --observe to decide and to start runs".to_owned() },
            false => Self::No,
        }
    }

    pub fn is_on(&self) -> bool {
        self.hint().is_some()
    }

    /// What would let it decide; `None` where it does.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::No => None,
            Self::Yes { hint } => Some(hint),
        }
    }
}

/// How what is shown relates to what is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// There is nothing between that could be cut.
    #[default]
    Direct,
    /// What is shown was so at most this long ago; connected for this long.
    Up { behind: Duration, age: Duration },
    /// Nothing has been heard for this long, for this reason; it is tried again.
    Down { since: Duration, reason: String },
    /// The person at the console is not let in any more, for this reason; it is not tried again by itself.
    Ended { reason: String },
}

impl Link {
    /// Being behind by less than this is the usual rhythm of a connection, and not worth a word.
    pub const NOTABLE: Duration = Duration::from_secs(5);

    /// Whether a person should know, and see it change by the second.
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Direct => false,
            Self::Up { behind, .. } => *behind >= Self::NOTABLE,
            Self::Down { .. } | Self::Ended { .. } => true,
        }
    }
}

/// Controls of a replay.
pub trait Transport: Send + Sync {
    fn moment(&self) -> Moment;
    /// Plays or pauses.
    fn toggle(&self);
    /// Sets the speed: 1.0 is as recorded.
    fn set_speed(&self, speed: f64);
    /// Jumps to a time; the feed says `Lost`, and the next snapshot is of that time.
    fn seek(&self, to: Duration);
    /// Plays exactly the next event, and pauses.
    fn step(&self);
}

/// Where a replay is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moment {
    pub at: Duration,
    pub length: Duration,
    pub speed: f64,
    pub playing: bool,
    /// Whether it stands at a request: decide, or toggle to let it go on as recorded.
    pub held: bool,
    /// How long the wait lasted that is passed over now, or just was.
    pub passing: Option<Duration>,
    /// When requests to a person are played.
    pub requests: Arc<[Duration]>,
    /// The run to look at, where the recording has only one.
    pub only_run: Option<RunId>,
    /// What the recording's clock shows, if it began when the replay did. Goes on while it waits at a request.
    pub now: Option<Timestamp>,
    /// Why it ended: `the recording ends here`.
    pub ended: Option<String>,
}
