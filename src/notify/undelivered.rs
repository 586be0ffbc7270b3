//! Why something did not arrive, and whether to try again.

use std::time::Duration;

use super::request::JsonAnswer;

/// That it did not arrive, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Undelivered {
    pub reason: String,
    pub again: Again,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Not before this much time, where the other side says so.
    After(Duration),
    Never,
}

impl Undelivered {
    pub(super) fn for_now(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), again: Again::After(Duration::ZERO) }
    }

    pub(super) fn for_good(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), again: Again::Never }
    }
}

/// By its status alone; `words` is what the other side says is wrong.
pub(super) fn of_status(answer: &JsonAnswer, words: &str) -> Result<(), Undelivered> {
    let words = if words.is_empty() { String::new() } else { format!(": {words}") };
    let reason = format!("it answers with status {}{words}", answer.status);
    match answer.status {
        200..=299 => Ok(()),
        408 | 425 | 429 | 500..=599 => {
            Err(Undelivered { reason, again: Again::After(answer.retry_after.unwrap_or_default()) })
        }
        _ => Err(Undelivered::for_good(reason)),
    }
}
