//! The two refusals of an append that every store words alike.

use crate::domain::RunId;
use crate::ports::LogError;
use crate::ports::LogErrorKind;

pub(super) fn conflict(expected: u64, found: u64) -> LogError {
    LogError::new(
        LogErrorKind::Conflict,
        format!("the log has moved on: decided at {expected}, it is now at {found}"),
        "read what is new and decide again",
    )
}

pub(super) fn fenced(runs: &[RunId]) -> LogError {
    let runs: Vec<_> = runs.iter().map(RunId::to_string).collect();
    LogError::new(
        LogErrorKind::Fenced,
        format!("this worker no longer holds the lease of run {}", runs.join(", ")),
        "another worker goes on with it; stop working on it here",
    )
}
