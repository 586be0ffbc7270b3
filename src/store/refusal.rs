//! The refusals of an append, of a change of accounts and of a damaged output, which every store words alike.

use crate::domain::{BlobId, RunId};
use crate::kinds::Stream;
use crate::ports::{AccessWrite, Account, LogError, LogErrorKind};

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

/// Whether a write found what it must find, told by the number of rows it came to.
pub(super) fn unless_found(write: &AccessWrite, rows: u64) -> Result<(), LogError> {
    let message = match write {
        AccessWrite::Create(account) if rows == 0 => format!("there is an account {} already", account.name),
        AccessWrite::Update(Account { id, .. }) | AccessWrite::Witness { account: id, .. } if rows == 0 => {
            format!("account {id} has changed meanwhile")
        }
        _ => return Ok(()),
    };
    Err(LogError::new(LogErrorKind::Conflict, message, "look at it again, then repeat"))
}

/// Whether an event of that version follows the last one of its stream.
pub(super) fn unless_next(stream: Stream, version: u64, last: u64) -> Result<(), LogError> {
    match version == last + 1 {
        true => Ok(()),
        false => Err(LogError::new(
            LogErrorKind::Conflict,
            format!("{stream} has moved on: it is at version {last}, and version {version} was to follow"),
            "read what is new and decide again",
        )),
    }
}

/// An output that is there and not what was stored; `what` says so of it.
pub(super) fn damaged_output(id: &BlobId, place: &str, what: &str) -> LogError {
    LogError::new(
        LogErrorKind::Unsound,
        format!("output {} in {place} {what}", id.0),
        "somebody changed it, or the disk failed; take it from a backup",
    )
}
