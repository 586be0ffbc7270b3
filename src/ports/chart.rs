//! Charts of what made alerts fire.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::client_error::ClientError;
use crate::domain::Untrusted;

/// How a metric went over the last hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chart {
    /// What was asked.
    pub query: Untrusted,
    /// Series with their values, and drawn: the rows of a drawing begin after `┤`.
    pub text: Untrusted,
}

/// Draws metrics.
#[async_trait]
pub trait Charts: Send + Sync {
    /// What a query answered over the last hours.
    async fn draw(&self, query: &str) -> Result<Untrusted, ClientError>;
}
