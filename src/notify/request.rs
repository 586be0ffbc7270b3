//! A request to be sent, and what its answer means.

use std::time::Duration;

/// A POST of JSON.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct JsonRequest {
    pub(super) url: String,
    /// Besides `Content-Type`. May hold secrets.
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct JsonAnswer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// What the other side asks to wait.
    pub(super) retry_after: Option<Duration>,
}
