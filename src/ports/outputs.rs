//! What outputs are stored under, for the removal of those that nothing names any more.

use async_trait::async_trait;

use super::log::LogError;
use crate::domain::BlobId;

/// The outputs of one tenant as they lie in the store, encrypted ones too.
#[async_trait]
pub trait StoredOutputs: Send + Sync {
    /// In their order, from the one after `after`; at most `limit`.
    async fn stored_outputs(&self, after: Option<&StoredOutput>, limit: u32) -> Result<Vec<StoredOutput>, LogError>;

    /// What one of this name is found by; `None` for what is the name of nothing.
    fn found_by(&self, blob: &BlobId) -> Option<Vec<u8>>;
}

/// What an output is stored under: what it is found by, and in an encrypted log then whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOutput(pub Vec<u8>);

impl StoredOutput {
    /// A SHA-256, or in an encrypted log an HMAC, which tells no name but can be computed of one.
    const FOUND_BY: usize = 32;

    /// As `StoredOutputs::found_by` says of its name.
    pub fn found_by(&self) -> &[u8] {
        self.0.get(..Self::FOUND_BY).unwrap_or(&self.0)
    }
}
