//! What just came of something, said for a while and no longer than it is so.

use std::time::Duration;

use super::review::Uptime;
use crate::domain::ApprovalId;

/// How it is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Note,
    Bad,
}

/// What it is about; when that is over, so is the toast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matter {
    /// Nothing that changes: it was said, and goes with time.
    Itself,
    /// A card that waits.
    Card(ApprovalId),
    /// That the open card was not read to its end.
    Unread,
    /// That no card waits.
    NothingWaits,
    /// The store takes no writes.
    Store,
    /// Something could not be read.
    Reading,
    /// This console only looks.
    Observing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    pub about: Matter,
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
        Self { about: Matter::Itself, tone, text: text.into(), hint: hint.into(), until: now + shown }
    }
}
