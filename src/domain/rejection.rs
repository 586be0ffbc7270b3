//! Why a command was not carried out.

use serde::{Deserialize, Serialize};

/// A command that changed nothing: what is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    pub kind: RejectionKind,
    pub message: String,
    /// What to do next; empty when there is nothing to do.
    pub hint: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionKind {
    /// No run or approval has that id.
    NotFound,
    /// Somebody decided first, or the run has ended.
    AlreadySettled,
    /// The digest given is not the card's.
    DigestMismatch,
    /// An outcome for an attempt that is no longer current.
    Stale,
    /// The command makes no sense as it stands.
    Invalid,
    /// This console or this role may only look.
    NotAllowed,
    /// The store could not save it: nothing was decided.
    NotSaved,
    /// More commands than the limit allows: nothing was decided.
    TooOften,
}

impl Rejection {
    pub fn new(kind: RejectionKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: String::new() }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}
