//! Why a console is left.

use crate::protocol::close;

/// As a close frame says it.
pub(super) struct End {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl End {
    pub(super) fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// It is gone; nobody hears a reason.
    pub(super) fn gone() -> Self {
        Self::new(close::GOING_AWAY, "")
    }
}
