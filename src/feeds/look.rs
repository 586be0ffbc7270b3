//! Something that is looked at again and again for what fires there.

use std::time::Duration;

use async_trait::async_trait;

use super::groups::Groups;
use crate::domain::Timestamp;
use crate::ports::{Client, ClientError};

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(5);

/// Something that has alerts.
#[async_trait]
pub(super) trait Look: Send + Sync {
    /// What people call it: without a password in it.
    fn name(&self) -> &str;

    /// The alert that it tells nothing.
    fn silent(&self) -> &'static str;

    fn every(&self) -> Duration {
        EVERY
    }

    /// All that fires there.
    async fn look(&self, client: &dyn Client, at: Timestamp) -> Result<Groups, Failed>;
}

/// Why nothing was learned.
pub(super) enum Failed {
    Source(String),
    Store(ClientError),
}
