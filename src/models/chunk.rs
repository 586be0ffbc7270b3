//! The pieces of a streamed answer as servers really send them: fields missing, null, extra or of another type.
//!
//! Only shapes; what they add up to is `assembly`'s.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// One `data:` line. Servers that ignore `stream` send one of these with `message` instead of `delta`.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub choices: Vec<Choice>,
    pub usage: Option<WireUsage>,
    /// Some servers report a failure in the middle of a stream that began with status 200.
    pub complaint: Option<Value>,
}

impl<'de> Deserialize<'de> for Chunk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Fields {
            #[serde(deserialize_with = "null_is_default")]
            choices: Vec<Choice>,
            #[serde(deserialize_with = "lenient")]
            usage: Option<WireUsage>,
        }
        let value = Value::deserialize(deserializer)?;
        if complains(&value) {
            return Ok(Self { complaint: Some(value), ..Self::default() });
        }
        let Fields { choices, usage } = Fields::deserialize(value).map_err(D::Error::custom)?;
        Ok(Self { choices, usage, complaint: None })
    }
}

/// Whether what should be a piece of an answer is a report of a failure, in any of the shapes servers give it.
fn complains(value: &Value) -> bool {
    const ANYWHERE: [&str; 2] = ["error", "errors"];
    const INSTEAD_OF_AN_ANSWER: [&str; 6] = ["message", "detail", "details", "msg", "error_message", "error_msg"];
    let says = |name: &&str| match value.get(*name) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty() && *name != "message",
        Some(Value::Bool(true) | Value::Number(_)) => ANYWHERE.contains(name),
    };
    match value {
        Value::Array(items) => items.iter().any(complains),
        Value::String(_) => true,
        Value::Object(fields) => {
            let answers = fields.get("choices").is_some_and(|choices| !choices.is_null());
            ANYWHERE.iter().any(says) || (!answers && INSTEAD_OF_AN_ANSWER.iter().any(says))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    #[serde(deserialize_with = "number")]
    pub index: Option<u64>,
    #[serde(deserialize_with = "null_is_default")]
    delta: Option<Delta>,
    #[serde(deserialize_with = "null_is_default")]
    message: Option<Delta>,
    #[serde(deserialize_with = "lenient")]
    pub finish_reason: Option<String>,
}

impl Choice {
    /// What it adds.
    pub fn piece(self) -> Delta {
        self.delta.or(self.message).unwrap_or_default()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta {
    #[serde(deserialize_with = "text")]
    pub content: String,
    #[serde(deserialize_with = "text")]
    pub refusal: String,
    #[serde(deserialize_with = "one_or_more")]
    pub tool_calls: Vec<CallPiece>,
    /// Fields that are not the protocol's.
    #[serde(flatten)]
    pub carried: Map<String, Value>,
}

/// A piece of one tool call. The id and the name usually come only with the first.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CallPiece {
    #[serde(deserialize_with = "number")]
    pub index: Option<u64>,
    #[serde(deserialize_with = "text")]
    pub id: String,
    #[serde(deserialize_with = "null_is_default")]
    pub function: FunctionPiece,
    #[serde(flatten)]
    pub carried: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FunctionPiece {
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// A string by the protocol; some servers send the object itself.
    #[serde(deserialize_with = "arguments")]
    pub arguments: String,
    #[serde(flatten)]
    pub carried: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireUsage {
    #[serde(deserialize_with = "count")]
    pub prompt_tokens: u64,
    #[serde(deserialize_with = "count")]
    pub completion_tokens: u64,
    #[serde(deserialize_with = "null_is_default")]
    pub prompt_tokens_details: PromptDetails,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PromptDetails {
    #[serde(deserialize_with = "count")]
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

/// What can be read; anything else is nothing.
fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// A number, also one in quotes.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        // A float that is out of range or no whole number becomes the nearest that is.
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().map(|number| number as u64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(number(deserializer)?.unwrap_or_default())
}

/// A list, or its only item by itself.
fn one_or_more<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let items = match Value::deserialize(deserializer)? {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        item => vec![item],
    };
    items.into_iter().map(|item| serde_json::from_value(item).map_err(D::Error::custom)).collect()
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
