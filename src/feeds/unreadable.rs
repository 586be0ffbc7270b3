//! Why something that a source sent cannot be taken in.

/// It is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unreadable {
    pub message: String,
    pub hint: String,
    /// Whether it is well-formed, and no mapping reads it.
    pub is_unmapped: bool,
}

impl Unreadable {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), is_unmapped: false }
    }

    pub(super) fn unmapped(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { is_unmapped: true, ..Self::new(message, hint) }
    }

    /// The body as text.
    pub(super) fn unless_text(body: &[u8]) -> Result<&str, Self> {
        let wrong = |error: std::str::Utf8Error| format!("byte {} is not UTF-8", error.valid_up_to());
        std::str::from_utf8(body).map_err(|error| Self::new(wrong(error), "send JSON in UTF-8"))
    }

    /// JSON that is none, or not the JSON that `what` should be; where, and what was wrong.
    pub(super) fn json(what: &str, error: &serde_json::Error) -> Self {
        let place = format!("line {}, column {}", error.line(), error.column());
        let wrong = error.to_string();
        let wrong = wrong.split(" at line ").next().unwrap_or_default();
        let hint = match error.is_data() {
            true => "pass on what the source sends, unchanged",
            false => "it may have been cut short: send all of it",
        };
        Self::new(format!("this is not {what}: {wrong} ({place})"), hint)
    }
}
