//! What a model call gives back, or why it did not.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::money::Usd;
use super::text::Untrusted;

/// Kind of work a call is for; the configuration routes each to its own list of models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskClass {
    Reasoning,
    Simple,
    #[default]
    Code,
}

impl TaskClass {
    pub const ALL: [Self; 3] = [Self::Reasoning, Self::Simple, Self::Code];

    pub fn name(self) -> &'static str {
        match self {
            Self::Reasoning => "reasoning",
            Self::Simple => "simple",
            Self::Code => "code",
        }
    }
}

/// Tokens of one call, as the provider counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub input: u64,
    /// Part of `input` that the provider served from its prompt cache.
    #[serde(default)]
    pub cached: u64,
    pub output: u64,
}

impl Usage {
    pub fn total(self) -> u64 {
        self.input + self.output
    }
}

/// Why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    Stop,
    ToolCalls,
    /// Cut at the output limit; the text and the last call may be incomplete.
    Length,
    /// The provider's filter stopped it.
    Filtered,
}

/// A tool call as the model wrote it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestedCall {
    pub provider_id: String,
    pub tool: String,
    /// The arguments, or a string with the raw text when it was not a JSON object.
    pub args: Value,
}

/// A complete answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelReply {
    /// `provider/model` that answered in the end.
    pub model: String,
    pub text: Untrusted,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Untrusted>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<RequestedCall>,
    pub finish: FinishReason,
    /// `None` when the provider reported none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// `None` when the price of this model is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Usd>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<Carried>,
}

/// What a server put into its answer beside the protocol's fields: reasoning, signatures. Some refuse to go on without
/// it, so it goes back word for word with the conversation, and only to the one that sent it. An outsider's text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// Names the server and the model, without telling where they are.
    pub sender: String,
    /// An object: fields of the message.
    #[serde(default)]
    pub message: Value,
    /// An object for each of the reply's calls: fields of that call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Value>,
}

/// Kind of failure of a model call, after the adapter's own retries and fallbacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelFailureKind {
    /// No model is configured for this class of task.
    NotConfigured,
    Unreachable,
    /// The key is missing, wrong or lacks the right.
    Unauthorized,
    RateLimited,
    Timeout,
    /// The provider rejected the request (unknown model, bad parameter).
    BadRequest,
    /// The conversation is longer than the model's context.
    TooLong,
    /// The provider failed (5xx) or the stream broke off.
    Provider,
    /// What came back is not the protocol.
    Nonsense,
    Cancelled,
}

impl ModelFailureKind {
    /// Whether trying again later, unchanged, can help.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Unreachable | Self::RateLimited | Self::Timeout | Self::Provider | Self::Nonsense)
    }
}

/// Why a model call gave no answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelFailure {
    pub kind: ModelFailureKind,
    /// What happened and where, for people; contains no secret.
    pub message: Untrusted,
    /// What to do next.
    pub hint: String,
}

/// One message of a conversation, as an adapter sends it.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    System(String),
    User(String),
    Assistant {
        text: String,
        calls: Vec<RequestedCall>,
        carried: Option<Carried>,
    },
    /// The result of the call whose `provider_id` is given.
    Tool {
        provider_id: String,
        tool: String,
        text: String,
    },
}

/// The shape an answer must have.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputShape {
    /// Text, and calls of the tools given.
    Free,
    /// One JSON object by this schema.
    Json { name: String, schema: Value },
}
