//! Why something that a source sent cannot be taken in.

/// It is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unreadable {
    pub message: String,
    pub hint: String,
}

impl Unreadable {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }

    /// JSON that is none, or not the JSON that `what` should be; where, and what was wrong.
    pub(super) fn json(what: &str, error: &serde_json::Error) -> Self {
        let place = format!("line {}, column {}", error.line(), error.column());
        let wrong = error.to_string();
        let wrong = wrong.split(" at line ").next().unwrap_or_default();
        let hint = match error.is_data() {
            true => "send what Alertmanager sends, unchanged",
            false => "it may have been cut short: send all of it",
        };
        Self::new(format!("this is not {what}: {wrong} ({place})"), hint)
    }
}
