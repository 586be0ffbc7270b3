//! Why nothing was appended.

use super::error::explain_refusal;
use super::store::Store;
use crate::domain::RunId;
use crate::ports::LogError;
use crate::store::refusal;

/// Why nothing was appended.
pub(super) enum Refused {
    Moved { from: u64, to: u64 },
    Fenced(Vec<RunId>),
    Unwritable(LogError),
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

impl Refused {
    pub fn explain(self, store: &Store, doing: &str) -> LogError {
        match self {
            Self::Moved { from, to } => refusal::conflict(from, to),
            Self::Fenced(runs) => refusal::fenced(&runs),
            Self::Unwritable(error) => error,
            Self::Failed(error) => explain_refusal(&store.path, doing, &error),
        }
    }
}
