//! The people whose data a log holds: whether it is encrypted, and erasing one of them for good.

use async_trait::async_trait;

use super::log::{LogError, NewEvent};
use crate::domain::{Actor, RunId, SubjectId, Timestamp};
use crate::kinds::Envelope;

/// What can be done about the people in one tenant's log.
#[async_trait]
pub trait Subjects: Send + Sync {
    fn encryption(&self) -> EncryptionState;

    /// Destroys the key that everything about somebody is sealed with, and removes what is kept of them besides, in one
    /// transaction with the event that says so. The log keeps its length and its hashes; what stood in it about them
    /// is read as erased from then on.
    async fn erase(&self, erasure: Erasure) -> Result<Erased, EraseError>;
}

/// The keys of the people in one tenant's log, as a store keeps them.
#[async_trait]
pub trait SubjectKeys: Send + Sync {
    fn encryption(&self) -> EncryptionState;

    /// The random number that stands for somebody in the log. Whoever repeats an erasure that was killed behind its commit
    /// finds nobody; what that left is then cleared up.
    async fn subject_of(&self, name: &str) -> Result<SubjectId, EraseError>;

    /// Appends `told`, which says that this subject is erased, and does it, in one transaction. `Conflict` when somebody
    /// else appends meanwhile, or `told` does not follow the last event of its stream.
    async fn erase(&self, name: &str, subject: SubjectId, told: NewEvent) -> Result<Erased, EraseError>;
}

/// Whether what is stored is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncryptionState {
    Plain,
    /// Under a key that people tell from others by this.
    Encrypted {
        key: String,
    },
}

/// Whom to erase, and by whose order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The name as it stands in the log.
    pub name: String,
    pub by: Actor,
    pub at: Timestamp,
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Erased {
    /// What the log says of it; names the subject by pseudonym.
    pub event: Envelope,
    /// Rows of runs and requests that were removed.
    pub rows: u64,
    /// Outputs that were removed.
    pub outputs: u64,
    /// What still holds the destroyed key outside the store's reach, and what to do about it; empty for nothing.
    pub leftovers: String,
}

/// Why nobody was erased.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EraseError {
    #[error("this store is not encrypted, so nothing in its log can be erased")]
    NotEncrypted,
    #[error("the log holds nothing of {0:?}")]
    Unknown(String),
    #[error("runs of theirs have not ended: {}", .0.iter().map(RunId::short).collect::<Vec<_>>().join(", "))]
    Busy(Vec<RunId>),
    #[error(transparent)]
    Log(#[from] LogError),
}

impl EraseError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::NotEncrypted => "make an encrypted store (a new one with `[store]` and `key` in the configuration), \
                                   copy this one into it, and destroy this one"
                .to_owned(),
            Self::Unknown(_) => "names are written as in `morningai audit`; an erased person has none".to_owned(),
            Self::Busy(_) => "let them end, or `morningai cancel` them, then repeat".to_owned(),
            Self::Log(error) => error.hint.clone(),
        }
    }
}
