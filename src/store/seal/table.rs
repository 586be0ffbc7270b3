//! What a store must be able to do for its keys to be kept in it. Each store implements it on its own connections.

use async_trait::async_trait;

use crate::domain::SubjectId;
use crate::kinds::Stream;
use crate::ports::LogError;

/// Finds a person's key without saying in clear whose it is: an HMAC of the name.
pub(in crate::store) type Lookup = Vec<u8>;

/// The rows that keys are kept in, of one tenant.
#[async_trait]
pub(in crate::store) trait KeyTable: Send {
    /// What is said about the tenant's log as a whole.
    async fn mark(&mut self) -> Result<Option<Mark>, LogError>;

    /// Says it, unless something was said before; what is said afterwards.
    async fn set_mark(&mut self, mark: Mark) -> Result<Option<Mark>, LogError>;

    async fn of_subjects(&mut self, subjects: &[SubjectId]) -> Result<Vec<KeyRow>, LogError>;

    async fn found_by(&mut self, lookup: &[u8]) -> Result<Option<KeyRow>, LogError>;

    /// Those whose key was destroyed.
    async fn erased(&mut self) -> Result<Vec<SubjectId>, LogError>;

    /// Keeps it, unless there is one for this lookup.
    async fn add(&mut self, row: &KeyRow) -> Result<(), LogError>;

    /// The stored body of a stream's first event.
    async fn first_body(&mut self, stream: Stream) -> Result<Option<String>, LogError>;
}

/// Whether a tenant's log is encrypted; said once, before its first event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Mark {
    Plain,
    /// By this the right key is told from others.
    Encrypted {
        check: Vec<u8>,
    },
}

impl Mark {
    /// As stored: empty for a plain log.
    pub fn column(&self) -> Vec<u8> {
        match self {
            Self::Plain => Vec::new(),
            Self::Encrypted { check } => check.clone(),
        }
    }

    pub fn from_column(check: Vec<u8>) -> Self {
        if check.is_empty() { Self::Plain } else { Self::Encrypted { check } }
    }
}

/// One person's key, or what is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct KeyRow {
    pub subject: SubjectId,
    /// `None` once it is destroyed.
    pub lookup: Option<Lookup>,
    /// The key and the name, sealed under the store's key; empty once it is destroyed.
    pub wrapped: Vec<u8>,
}
