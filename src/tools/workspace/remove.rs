//! Removing a workspace, without losing work.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::error::{WorkspaceError, WorkspaceErrorKind};
use super::leftovers;
use super::worktree::{drop_unused_branch, is_own};
use crate::domain::{ToolResult, Workspace};
use crate::tools::cards::count;
use crate::tools::git::program::Git;
use crate::tools::git::repository::Repository;
use crate::tools::git::staging::{Changed, Objects, Staging};

/// What to do with work that exists nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsavedWork {
    Keep,
    Discard,
}

/// Removes a workspace. Commits are safe, they stay on their branch; everything else in it goes.
pub async fn remove(workspace: &Workspace, unsaved: UnsavedWork) -> Result<(), WorkspaceError> {
    let root = Path::new(&workspace.root);
    let Some(repository) = workspace.repository.as_deref().filter(|_| workspace.git_dir.is_some()) else {
        remove_directory(&leftovers::beside(root))?;
        return remove_directory(root);
    };
    if unsaved == UnsavedWork::Keep && root.exists() {
        refuse_unsaved(workspace).await?;
    }
    // The directory made for it alone, with what was set aside beside it.
    remove_directory(root.parent().filter(|own| is_own(own, workspace)).unwrap_or(root))?;
    let home = Path::new(repository);
    // A locked worktree is kept by `prune`; unlocked and without its directory, exactly this one goes.
    let unlocked = Git::new(home, ["worktree", "unlock", &workspace.root]).run().await;
    unlocked.map_err(|error| WorkspaceError::git(home, &error))?;
    let removed = Git::new(home, ["worktree", "remove", "--force", "--", &workspace.root]).run().await;
    removed.map_err(|error| WorkspaceError::git(home, &error))?;
    drop_unused_branch(home, workspace).await
}

async fn refuse_unsaved(workspace: &Workspace) -> Result<(), WorkspaceError> {
    let root = Path::new(&workspace.root);
    let said = |result: ToolResult| {
        let what = result.summary.raw().to_owned();
        WorkspaceError::new(WorkspaceErrorKind::Git, root, what, "Look at it by hand, or discard the work.")
    };
    let opened = Repository::open(workspace, &CancellationToken::new()).await;
    let repository = opened.map_err(|error| WorkspaceError::git(root, &error))?;
    let head = repository.head().await.map_err(said)?;
    let staging = Staging::of(&repository, Objects::Scratch).await.map_err(said)?;
    let changes = staging.changes(&head.commit).await.map_err(said)?;
    if changes.is_empty() {
        return Ok(());
    }
    let rows: Vec<String> = changes.iter().take(20).map(Changed::row).collect();
    let what = format!("{} not committed:\n{}", count(changes.len(), "file is", "files are"), rows.join("\n"));
    let hint = "Let the run commit it, copy what you need, or say that it may be discarded.";
    Err(WorkspaceError::new(WorkspaceErrorKind::Unsaved, root, what, hint))
}

fn remove_directory(path: &Path) -> Result<(), WorkspaceError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(WorkspaceError::io(path, "remove it", &error))
        }
        _ => Ok(()),
    }
}
