//! One line that says what just came of something, for a while.

use std::time::Duration;

use super::review::Uptime;

/// How it is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Note,
    Bad,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    pub tone: Tone,
    pub text: String,
    /// What to do next; empty when there is nothing to do.
    pub hint: String,
    /// When it goes away.
    pub until: Uptime,
}

impl Toast {
    /// A failure stays until one had the time to read it twice; anything else shorter.
    pub fn new(tone: Tone, text: impl Into<String>, hint: impl Into<String>, now: Uptime) -> Self {
        let shown = match tone {
            Tone::Good | Tone::Note => Duration::from_secs(5),
            Tone::Bad => Duration::from_secs(12),
        };
        Self { tone, text: text.into(), hint: hint.into(), until: now + shown }
    }
}
