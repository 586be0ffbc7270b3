//! The empty directory that a procedure works in, and what making any directory takes.

use std::path::{Path, PathBuf};

use super::error::{WorkspaceError, WorkspaceErrorKind};
use crate::domain::{RunId, Workspace};

/// Makes the empty private directory a procedure works in. Making it again is no error.
pub fn scratch(run: RunId, data_dir: &Path) -> Result<Workspace, WorkspaceError> {
    let path = data_dir.join(scratch_of(run));
    make_private(&path)?;
    let root = path.canonicalize().map_err(|error| WorkspaceError::io(&path, "open it", &error))?;
    Ok(Workspace { root: utf8(&root)?, ..Workspace::default() })
}

/// Where a run's scratch directory lies in the data directory.
pub(super) fn scratch_of(run: RunId) -> PathBuf {
    Path::new("scratch").join(run.to_string())
}

/// A directory only its owner may look into, with everything above it.
pub(super) fn make_private(path: &Path) -> Result<(), WorkspaceError> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).map_err(|error| WorkspaceError::io(path, "make it", &error))
}

/// Paths are stored as text, so one that is no text cannot be.
pub(super) fn utf8(path: &Path) -> Result<String, WorkspaceError> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        let what = "the path is not valid UTF-8";
        WorkspaceError::new(WorkspaceErrorKind::Io, path, what, "Rename the directory, or use another one.")
    })
}
