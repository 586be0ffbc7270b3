//! Why the server does not listen.

/// Why there is no listening.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ListenError {
    pub message: String,
    pub hint: String,
    /// Whether it was asked for what makes no sense, rather than failed.
    pub is_usage: bool,
}
