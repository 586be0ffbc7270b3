//! What an error says, in the body of an answer or in the middle of one: its words, and what it is about.

use serde_json::Value;

/// How deep in an error its words are looked for.
const MOST_NESTED: usize = 4;

/// An optional part of the request that not every server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Objection {
    ResponseFormat,
    StreamOptions,
    MaxTokens,
    Temperature,
    /// What it had sent itself beside the protocol's fields.
    Carried,
}

/// What an error body says, be it the protocol's JSON, someone else's, a web page, or plain text.
pub(super) struct ErrorBody {
    pub message: String,
    /// Type and code, in lower case, for recognising.
    class: String,
    param: String,
}

impl ErrorBody {
    pub fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        match serde_json::from_str::<Value>(&text) {
            Ok(json) => Self::from_json(&json),
            Err(_) => Self {
                message: page_title(&text).unwrap_or_else(|| text.trim().to_owned()),
                class: String::new(),
                param: String::new(),
            },
        }
    }

    pub fn from_json(json: &Value) -> Self {
        // Some gateways wrap the error in a list, and some list several.
        let json = json.get(0).unwrap_or(json);
        let error = ["error", "errors"].iter().find_map(|name| json.get(name).filter(|error| !error.is_null()));
        let error = error.map_or(json, |error| error.get(0).unwrap_or(error));
        // Beside words, a plain `error` is only a code for them.
        let place = if error.is_object() { error } else { json };
        let field = |name: &str| match place.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let message = words(json, MOST_NESTED).unwrap_or_else(|| json.to_string());
        let class = format!("{} {}", field("type"), field("code")).to_lowercase();
        Self { message, class, param: field("param") }
    }

    pub fn is_about_quota(&self) -> bool {
        self.class.contains("insufficient_quota") || self.class.contains("billing")
    }

    pub fn is_about_length(&self) -> bool {
        const SIGNS: [&str; 6] = [
            "context length",
            "context window",
            "context size",
            "maximum context",
            "prompt is too long",
            "too many tokens",
        ];
        let message = self.message.to_lowercase();
        self.class.contains("context_length")
            || self.class.contains("exceed_context")
            || SIGNS.iter().any(|sign| message.contains(sign))
    }

    pub fn is_about_template(&self) -> bool {
        const SIGNS: [&str; 6] =
            ["jinja", "raise_exception", "chat template", "chat_template", "for this template", "roles must alternate"];
        let message = self.message.to_lowercase();
        SIGNS.iter().any(|sign| message.contains(sign))
    }

    pub fn is_about_loading(&self) -> bool {
        self.message.to_lowercase().contains("loading model")
    }

    pub fn objection(&self) -> Option<Objection> {
        let said = format!("{} {}", self.param, self.message).to_lowercase();
        let names = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if names(&["stream_options", "include_usage"]) {
            return Some(Objection::StreamOptions);
        }
        if names(&["max_tokens", "max_completion_tokens"]) {
            return Some(Objection::MaxTokens);
        }
        if names(&["temperature"]) {
            return Some(Objection::Temperature);
        }
        if names(&["reasoning", "thinking", "thought", "extra_content", "extra inputs", "additional properties"]) {
            return Some(Objection::Carried);
        }
        names(&["response_format", "json_schema", "schema", "grammar", "structured output"])
            .then_some(Objection::ResponseFormat)
    }
}

/// What an error says in words, wherever in it they stand.
fn words(error: &Value, nested: usize) -> Option<String> {
    const PLACES: [&str; 8] =
        ["message", "detail", "details", "msg", "error_message", "error_msg", "description", "title"];
    match error {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Array(items) => items.iter().find_map(|item| words(item, nested)),
        Value::Object(fields) if nested > 0 => {
            let field = |name: &str| fields.get(name).and_then(|value| words(value, nested - 1));
            let inner =
                ["error", "errors"].iter().filter(|name| fields.get(**name).is_some_and(|inner| !inner.is_string()));
            let inner = inner.copied().find_map(field);
            inner.or_else(|| PLACES.iter().copied().find_map(field)).or_else(|| field("error"))
        }
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn page_title(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    if !lower.contains("<html") && !lower.trim_start().starts_with("<!doctype") {
        return None;
    }
    let title = lower.find("<title>").zip(lower.find("</title>")).and_then(|(from, to)| text.get(from + 7..to));
    Some(match title {
        Some(title) => format!("a web page, \"{}\", not a model's answer", title.trim()),
        None => "a web page, not a model's answer".to_owned(),
    })
}
