//! Why a run has no place to work.

use std::path::{Path, PathBuf};

use crate::domain::Untrusted;
use crate::tools::git::program::GitError;

/// Why a run has no place to work, where, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", Untrusted::new(path.to_string_lossy()).visible())]
pub struct WorkspaceError {
    pub kind: WorkspaceErrorKind,
    pub path: PathBuf,
    pub what: String,
    pub hint: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkspaceErrorKind {
    Missing,
    NotADirectory,
    NotARepository,
    BareRepository,
    NoCommits,
    Uncommitted,
    /// Removing it would lose work.
    Unsaved,
    /// Another user owns the repository, so git refuses to use it.
    NotOwned,
    /// A directory of this program's own, where agents have written.
    Ours,
    Git,
    Io,
}

impl WorkspaceError {
    pub(super) fn new(kind: WorkspaceErrorKind, path: &Path, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, path: path.to_owned(), what: what.into(), hint: hint.into() }
    }

    pub(super) fn io(path: &Path, doing: &str, error: &std::io::Error) -> Self {
        let what = format!("cannot {doing}: {error}");
        Self::new(WorkspaceErrorKind::Io, path, what, "Check that the disk has room and the directory is yours.")
    }

    pub(super) fn git(path: &Path, error: &GitError) -> Self {
        let hint = match error {
            GitError::Start(_) => "Install git, or put it on PATH.",
            GitError::Directory { .. } => "Check the path, and that you may enter the directory.",
            _ => "Run `git status` there to see what git says.",
        };
        Self::new(WorkspaceErrorKind::Git, path, error.to_string(), hint)
    }
}
