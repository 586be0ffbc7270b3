//! Where a run works: a git worktree of its own, or an empty scratch directory. Making and removing both.
//!
//! The worktree's `.git` file is taken away after it is made. Nothing that runs confined in the worktree then knows
//! where the repository is, and nothing it writes there is taken for a repository's configuration by our git tools.

mod error;
mod left_out;
mod leftovers;
mod remove;
mod scratch;
mod worktree;

pub use error::{WorkspaceError, WorkspaceErrorKind};
pub use left_out::submodules;
pub use leftovers::{Before, Leftovers};
pub use remove::{UnsavedWork, remove};
pub use scratch::scratch;
pub use worktree::{Uncommitted, WorktreeRequest, create_worktree};
