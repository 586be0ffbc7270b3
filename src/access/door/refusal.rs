//! What somebody is told who is not let in. Less than the log is: not whether a name exists, nor what was wrong.

use std::time::Duration;

use crate::access::limit::TooMany;
use crate::access::limit::whole_seconds;
use crate::access::moment::NoEntropy;
use crate::ports::LogError;

/// Not let in, or not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub kind: RefusalKind,
    pub message: String,
    pub hint: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// Nothing shown, or nothing that is good here: 401.
    NotSignedIn,
    /// The password is right and a code of the second factor is wanted: 401.
    CodeWanted,
    /// Known, and not allowed: 403.
    NotAllowed,
    /// Come back in so many seconds: 429 with `Retry-After`.
    TooMany { retry_after: u64 },
    /// The store does not answer, so nobody is let in: 503.
    Unavailable,
}

impl Refusal {
    pub fn new(kind: RefusalKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: hint.into() }
    }

    pub(super) fn not_signed_in() -> Self {
        Self::new(RefusalKind::NotSignedIn, "not signed in", "sign in again, or show a token that is still good")
    }

    pub(super) fn wrong() -> Self {
        let message = "wrong name, password or code";
        Self::new(RefusalKind::NotSignedIn, message, "try again; an owner can set a new password")
    }

    pub(super) fn code_wanted() -> Self {
        let hint = "give the six digits that your authenticator shows, or a recovery code";
        Self::new(RefusalKind::CodeWanted, "a code of the second factor is wanted", hint)
    }

    pub(super) fn later(wait: Duration) -> Self {
        let retry_after = whole_seconds(wait);
        let message = format!("too many attempts; the next is taken in {retry_after} s");
        Self::new(RefusalKind::TooMany { retry_after }, message, "wait that long, and do not try meanwhile")
    }
}

impl From<TooMany> for Refusal {
    fn from(too_many: TooMany) -> Self {
        let kind = RefusalKind::TooMany { retry_after: too_many.retry_after };
        Self::new(kind, too_many.to_string(), "wait that long; the limits are set in the configuration")
    }
}

/// The store's own words may name files and hosts, so they go to the trace and not to a stranger.
impl From<LogError> for Refusal {
    fn from(error: LogError) -> Self {
        tracing::error!(%error, hint = error.hint, "accounts cannot be read, so nobody is let in");
        Self::new(RefusalKind::Unavailable, "accounts cannot be read just now", "try again in a moment")
    }
}

impl From<NoEntropy> for Refusal {
    fn from(error: NoEntropy) -> Self {
        tracing::error!(%error, "nobody can sign in");
        Self::new(RefusalKind::Unavailable, error.to_string(), "try again in a moment")
    }
}
