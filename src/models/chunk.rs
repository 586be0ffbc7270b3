//! The pieces of a streamed answer as servers really send them: fields missing, null, extra or of another type.
//!
//! Only shapes; what they add up to is `assembly`'s.

use serde::Deserialize;
use serde::Deserializer;
use serde_json::Value;

/// One `data:` line. Servers that ignore `stream` send one of these with `message` instead of `delta`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chunk {
    #[serde(deserialize_with = "null_is_default")]
    pub choices: Vec<Choice>,
    pub usage: Option<WireUsage>,
    /// Some servers report a failure in the middle of a stream that began with status 200.
    pub error: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    #[serde(deserialize_with = "null_is_default")]
    pub index: u64,
    #[serde(alias = "message", deserialize_with = "null_is_default")]
    pub delta: Delta,
    pub finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta {
    #[serde(deserialize_with = "text")]
    pub content: String,
    #[serde(deserialize_with = "text")]
    pub refusal: String,
    #[serde(deserialize_with = "null_is_default")]
    pub tool_calls: Vec<CallPiece>,
}

/// A piece of one tool call. The id and the name usually come only with the first.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CallPiece {
    pub index: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub id: String,
    #[serde(deserialize_with = "null_is_default")]
    pub function: FunctionPiece,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FunctionPiece {
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// A string by the protocol; some servers send the object itself.
    #[serde(deserialize_with = "arguments")]
    pub arguments: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    #[serde(deserialize_with = "null_is_default")]
    pub prompt_tokens: u64,
    #[serde(deserialize_with = "null_is_default")]
    pub completion_tokens: u64,
    #[serde(deserialize_with = "null_is_default")]
    pub prompt_tokens_details: PromptDetails,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PromptDetails {
    #[serde(deserialize_with = "null_is_default")]
    pub cached_tokens: u64,
}

/// The list of models, as far as anyone agrees on it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ModelList {
    #[serde(deserialize_with = "null_is_default")]
    pub data: Vec<ListedModel>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListedModel {
    #[serde(deserialize_with = "text")]
    pub id: String,
}

fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Text, null, or a list of typed parts of which the texts are taken.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

fn arguments<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    })
}
