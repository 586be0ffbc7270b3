//! What the runtime asks of a language model.

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::domain::{Message, ModelFailure, ModelReply, OutputShape, TaskClass, ToolSpec};

/// A model, or a whole list of them with routing and fallback behind one face.
#[async_trait]
pub trait Model: Send + Sync {
    /// One answer. Text goes to `deltas` as it streams; `cancel` ends the call in mid-stream.
    ///
    /// Retries and fallbacks happen inside; an error is final for this attempt.
    async fn complete(
        &self,
        request: ModelRequest,
        deltas: &dyn DeltaSink,
        cancel: CancellationToken,
    ) -> Result<ModelReply, ModelFailure>;

    /// Whether any model is configured, without asking it anything.
    fn is_configured(&self) -> bool;
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct ModelRequest {
    pub class: TaskClass,
    pub messages: Vec<Message>,
    /// Tools it may call; empty for none.
    pub tools: Vec<ToolSpec>,
    pub shape: OutputShape,
    /// Most tokens to generate; `None` leaves it to the provider.
    pub max_output_tokens: Option<u32>,
}

/// Where a streaming answer's pieces go.
pub trait DeltaSink: Send + Sync {
    fn token(&self, text: &str);
    /// What the adapter is doing meanwhile: `rate limited, next try in 4 s`.
    fn notice(&self, text: &str);
}
