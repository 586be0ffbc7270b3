//! What the commands ask of the program around them. `wire` answers; nothing here knows a store or a model.

use std::path::Path;

use async_trait::async_trait;
use serde::Serialize;

use super::failure::Failure;
use crate::domain::Actor;
use crate::domain::Faults;
use crate::domain::RunId;
use crate::domain::RunSpec;
use crate::ports::Accounts;
use crate::ports::Client;
use crate::ports::Log;
pub use crate::ports::Offer;
pub use crate::ports::OfferKind;
pub use crate::ports::Order;
use crate::ports::Subjects;
pub use crate::ports::Uncommitted;
pub use crate::ports::Work;
pub use crate::shape::Finding;
pub use crate::shape::Health;

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

/// What a session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Looks, and cannot decide: the store need not be writable, and where there is none, none is made.
    Reader,
    /// Decides: effects are left to others.
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

/// Whether a store is opened for writing; then it is created or migrated where needed. For reading, a store that was
/// never made is an empty one, unless it was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// An open store, for its upkeep.
#[async_trait]
pub trait StoreKeeper: Send + Sync {
    fn log(&self) -> &dyn Log;

    fn accounts(&self) -> &dyn Accounts;

    fn subjects(&self) -> &dyn Subjects;

    /// Where it is, as people know it.
    fn place(&self) -> String;

    async fn rebuild(&self) -> Result<Rebuilt, Failure>;

    /// The stored rows that are not what the log says, a sentence each.
    async fn compare_rows(&self) -> Result<Vec<String>, Failure>;

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

/// Whether an examination asks the models anything; that may cost money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskModels {
    Yes,
    No,
}
