//! What the commands ask of the program around them. `wire` answers; nothing here knows a store or a model.

use std::path::Path;
use std::path::PathBuf;

use async_trait::async_trait;
use serde::Serialize;

use super::failure::Failure;
use crate::domain::Actor;
use crate::domain::Faults;
use crate::domain::RunId;
use crate::domain::RunSpec;
use crate::ports::Client;
use crate::ports::Log;

/// The program around the commands.
#[async_trait]
pub trait Host: Send + Sync {
    /// Who decides here.
    fn person(&self) -> Actor;

    /// How a command that follows from this one begins, for a shell.
    fn program(&self) -> String;

    /// A client on the store. Several may be open one after the other, not at once.
    async fn session(&self, part: Part) -> Result<Box<dyn Session>, Failure>;

    /// The log itself, for its upkeep.
    async fn store(&self, access: Access) -> Result<Box<dyn StoreKeeper>, Failure>;

    /// Agents and procedures that can be used, and what is wrong with the others.
    async fn offers(&self) -> Result<(Vec<Offer>, Vec<Faults>), Failure>;

    /// Everything that is fixed when a run starts; makes its workspace.
    async fn prepare(&self, order: Order) -> Result<RunSpec, Failure>;

    /// Looks at everything this program depends on.
    async fn examine(&self, models: AskModels) -> Vec<Finding>;
}

/// What a session does besides looking and deciding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Nothing: effects are left to others.
    Clerk,
    /// Carries this run.
    Carrier(RunId),
}

/// A client that must be closed, so that what is under way ends in order.
#[async_trait]
pub trait Session: Send + Sync {
    fn client(&self) -> &dyn Client;

    /// Ends what may be cut off and gives the rest some seconds.
    async fn close(self: Box<Self>);

    /// The same with hardly any patience: the person asked twice.
    async fn abandon(self: Box<Self>);
}

/// Whether a store is opened for writing; then it is created or migrated where needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// An open store, for its upkeep.
#[async_trait]
pub trait StoreKeeper: Send + Sync {
    fn log(&self) -> &dyn Log;

    /// Where it is, as people know it.
    fn place(&self) -> String;

    async fn rebuild(&self) -> Result<Rebuilt, Failure>;

    /// A run as a recording.
    async fn record(&self, run: RunId) -> Result<String, Failure>;

    async fn back_up(&self, target: &Path) -> Result<(), Failure>;

    /// Lets a role of the database do what the program does, and no more.
    async fn grant(&self, role: &str) -> Result<(), Failure>;

    async fn close(self: Box<Self>) -> Result<(), Failure>;
}

/// What a rebuild did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    pub events: u64,
    pub rows: usize,
}

/// A run that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub run: RunId,
    pub work: Work,
    /// The repository; the current directory when nothing is said.
    pub workspace: Option<PathBuf>,
    pub uncommitted: Uncommitted,
}

/// What becomes of changes in the repository that are not committed, which a run does not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncommitted {
    /// The run does not start.
    Refuse,
    /// It goes on from the last commit.
    LeaveBehind,
}

/// What a run is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// An agent, by name or the usual one, pursues a goal.
    Goal { goal: String, agent: Option<String> },
    /// A procedure is followed: one of that name, or a Markdown file.
    Procedure(String),
}

/// Something that can be run: an agent or a procedure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offer {
    pub name: String,
    pub kind: OfferKind,
    pub description: String,
    /// The kind of model an agent's turns go to; `null` for a procedure.
    pub model: Option<String>,
    /// Tools an agent may call, or a procedure does.
    pub tools: Vec<String>,
    /// Where it is written.
    pub source: String,
    /// An agent's instructions, or the titles of a procedure's steps.
    #[serde(skip)]
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferKind {
    Agent,
    Procedure,
}

/// Whether an examination asks the models anything; that may cost money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskModels {
    Yes,
    No,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `store`, `model`, `sandbox`, …
    pub subject: String,
    pub verdict: Health,
    pub detail: String,
    /// What to do; empty when all is well.
    pub advice: String,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Ok,
    /// It works, or does without.
    Warn,
    Fail,
}

impl Finding {
    pub fn ok(subject: &str, detail: impl Into<String>) -> Self {
        Self { subject: subject.to_owned(), verdict: Health::Ok, detail: detail.into(), advice: String::new() }
    }

    pub fn warn(subject: &str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Health::Warn, advice: advice.into(), ..Self::ok(subject, detail) }
    }

    pub fn fail(subject: &str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Health::Fail, ..Self::warn(subject, detail, advice) }
    }
}
