//! Making what a run needs before it starts.

use async_trait::async_trait;

use super::client_error::ClientError;
use super::order::Order;
use crate::domain::RunSpec;

/// Prepares runs that nobody asked for by hand.
#[async_trait]
pub trait Starter: Send + Sync {
    /// Everything that is fixed when the run starts; makes its workspace.
    async fn prepare(&self, order: Order) -> Result<RunSpec, ClientError>;

    /// Takes back what preparing made for a run that was never started.
    async fn discard(&self, spec: &RunSpec);
}
