//! Why a client could not do what it was asked, in words for people.

/// A question that got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ClientError {
    pub message: String,
    pub hint: String,
}
