//! Opening a console that locked itself while nobody was there.

use async_trait::async_trait;

use super::client_error::ClientError;

/// Finds out whether the person at a locked console may go on.
#[async_trait]
pub trait Unlock: Send + Sync {
    /// `code` is that of the second factor; empty where none was asked for yet.
    async fn unlock(&self, password: &str, code: &str) -> Unlocking;
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unlocking {
    Opened,
    /// The password is right, and a code is wanted too.
    CodeWanted,
    Refused(ClientError),
}
