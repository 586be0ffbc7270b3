//! What somebody is told who is not let in. Less than the log is: not whether a name exists, nor what was wrong.

use std::time::Duration;

use chrono::TimeDelta;

use crate::access::limit::{TooMany, whole_seconds};
use crate::access::moment::NoEntropy;
use crate::domain::{AccountName, RefusalCause, Timestamp};
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
    /// It makes no sense for this way of being admitted: 422.
    NotSuited,
    /// Come back in so many seconds: 429 with `Retry-After`.
    TooMany { retry_after: u64 },
    /// The store does not answer, so nobody is let in: 503.
    Unavailable,
}

impl Refusal {
    pub fn new(kind: RefusalKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: hint.into() }
    }

    /// For a caller who shows nothing.
    pub(in crate::access) fn nothing_shown() -> Self {
        let hint = "sign in, or send `Authorization: Bearer TOKEN`";
        Self::new(RefusalKind::NotSignedIn, "this needs a token", hint)
    }

    pub(in crate::access) fn not_known() -> Self {
        let hint = "sign in again, or show a token that is still good";
        Self::new(RefusalKind::NotSignedIn, "this token is not known here", hint)
    }

    /// For somebody another service vouches for.
    pub(super) fn no_account(name: &AccountName) -> Self {
        let hint = format!("`morningai accounts add {name}` adds one");
        Self::new(RefusalKind::NotSignedIn, format!("there is no account {name}"), hint)
    }

    /// For the token file of a server, once there are accounts.
    pub(in crate::access) fn token_file_over() -> Self {
        let message = "this server has accounts, so the token in its serve.token opens nothing any more";
        Self::new(RefusalKind::NotSignedIn, message, "sign in, or show a token of an account")
    }

    pub(super) fn token_over(cause: RefusalCause) -> Self {
        let message = if cause == RefusalCause::Revoked { "this token was revoked" } else { "this token has expired" };
        Self::new(RefusalKind::NotSignedIn, message, "let `morningai tokens issue` make another one, or sign in")
    }

    pub(super) fn session_unused(idle: TimeDelta) -> Self {
        let message = format!("this session was not used for {}", spoken(idle));
        Self::new(RefusalKind::NotSignedIn, message, "sign in again")
    }

    pub(super) fn session_too_old(longest: TimeDelta) -> Self {
        let message = format!("this session began more than {} ago", spoken(longest));
        Self::new(RefusalKind::NotSignedIn, message, "sign in again")
    }

    pub(super) fn session_ended() -> Self {
        Self::new(RefusalKind::NotSignedIn, "this session was ended", "sign in again")
    }

    pub(super) fn no_session() -> Self {
        let hint = "a token holds until it is revoked: `morningai tokens revoke`";
        Self::new(RefusalKind::NotSuited, "only a session can be signed out", hint)
    }

    pub(super) fn disabled() -> Self {
        Self::new(RefusalKind::NotSignedIn, "this account is disabled", "ask an owner or admin to enable it")
    }

    pub(super) fn jwt_expired(now: Timestamp) -> Self {
        let message = format!("this signed token has expired; here it is {}", at(now));
        let hint = "get a new one from its issuer; if this one is new, one of the two clocks is wrong";
        Self::new(RefusalKind::NotSignedIn, message, hint)
    }

    pub(super) fn jwt_not_yet(now: Timestamp) -> Self {
        let message = format!("this signed token is not valid yet; here it is {}", at(now));
        let hint = "set the issuer's clock, or this server's: they may differ by a minute";
        Self::new(RefusalKind::NotSignedIn, message, hint)
    }

    pub(super) fn jwt_without_role() -> Self {
        let hint = "map one of its groups to a role in [access.jwt] of the server's configuration";
        Self::new(RefusalKind::NotSignedIn, "no role here is mapped to what this signed token claims", hint)
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

fn at(now: Timestamp) -> String {
    now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn spoken(span: TimeDelta) -> String {
    match span.num_seconds() {
        seconds if seconds % 3_600 == 0 && seconds >= 3_600 => format!("{} h", seconds / 3_600),
        seconds if seconds % 60 == 0 && seconds >= 60 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} s"),
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
