//! Where a run works: a git worktree of its own, or an empty scratch directory. Making and removing both.
//!
//! The worktree's `.git` file is taken away after it is made. Nothing that runs confined in the worktree then knows
//! where the repository is, and nothing it writes there is taken for a repository's configuration by our git tools.

mod left_out;
mod leftovers;
mod worktree;

use std::path::{Path, PathBuf};

pub use left_out::submodules;
pub use leftovers::{Before, Leftovers};
pub(super) use leftovers::{is_git_name, would_be_repository};
use tokio_util::sync::CancellationToken;
pub use worktree::create_worktree;

use super::git::program::{Git, GitError};
use super::git::repository::Repository;
use super::git::staging::{Objects, Staging};
use crate::domain::{RunId, Untrusted, Workspace};

/// A worktree to be made.
#[derive(Clone, Copy, Debug)]
pub struct WorktreeRequest<'a> {
    /// The repository, or any directory in it.
    pub repository: &'a Path,
    pub run: RunId,
    /// Names the branch.
    pub goal: &'a str,
    /// Our data directory; the worktree comes to lie below it.
    pub data_dir: &'a Path,
    pub uncommitted: Uncommitted,
}

/// What to do when the repository has changes that are not committed, which a worktree does not contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncommitted {
    Refuse,
    /// Go on from the last commit, without them.
    LeaveBehind,
}

/// What to do with work that exists nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsavedWork {
    Keep,
    Discard,
}

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
    fn new(kind: WorkspaceErrorKind, path: &Path, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, path: path.to_owned(), what: what.into(), hint: hint.into() }
    }

    fn io(path: &Path, doing: &str, error: &std::io::Error) -> Self {
        let what = format!("cannot {doing}: {error}");
        Self::new(WorkspaceErrorKind::Io, path, what, "Check that the disk has room and the directory is yours.")
    }

    fn git(path: &Path, error: &GitError) -> Self {
        let hint = match error {
            GitError::Start(_) => "Install git, or put it on PATH.",
            GitError::Directory { .. } => "Check the path, and that you may enter the directory.",
            _ => "Run `git status` there to see what git says.",
        };
        Self::new(WorkspaceErrorKind::Git, path, error.to_string(), hint)
    }
}

/// Makes the empty private directory a procedure works in. Making it again is no error.
pub fn scratch(run: RunId, data_dir: &Path) -> Result<Workspace, WorkspaceError> {
    let path = data_dir.join(scratch_of(run));
    make_private(&path)?;
    let root = path.canonicalize().map_err(|error| WorkspaceError::io(&path, "open it", &error))?;
    Ok(Workspace { root: utf8(&root)?, ..Workspace::default() })
}

/// Where a run's scratch directory lies in the data directory.
fn scratch_of(run: RunId) -> PathBuf {
    Path::new("scratch").join(run.to_string())
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
    remove_directory(root.parent().filter(|own| worktree::is_own(own, workspace)).unwrap_or(root))?;
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
    let said = |result: crate::domain::ToolResult| {
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
    let rows: Vec<String> = changes.iter().take(20).map(super::git::staging::Changed::row).collect();
    let what =
        format!("{} not committed:\n{}", super::cards::count(changes.len(), "file is", "files are"), rows.join("\n"));
    let hint = "Let the run commit it, copy what you need, or say that it may be discarded.";
    Err(WorkspaceError::new(WorkspaceErrorKind::Unsaved, root, what, hint))
}

/// A branch on which nothing was committed is of no use to anyone.
async fn drop_unused_branch(home: &Path, workspace: &Workspace) -> Result<(), WorkspaceError> {
    let (Some(branch), Some(base)) = (&workspace.branch, &workspace.base) else { return Ok(()) };
    // Naming the old value leaves a branch alone that has moved on.
    let delete = ["update-ref", "-d", &format!("refs/heads/{branch}"), base];
    Git::new(home, delete).run().await.map(|_| ()).map_err(|error| WorkspaceError::git(home, &error))
}

fn remove_directory(path: &Path) -> Result<(), WorkspaceError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(WorkspaceError::io(path, "remove it", &error))
        }
        _ => Ok(()),
    }
}

/// A directory only its owner may look into, with everything above it.
fn make_private(path: &Path) -> Result<(), WorkspaceError> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).map_err(|error| WorkspaceError::io(path, "make it", &error))
}

/// Paths are stored as text, so one that is no text cannot be.
fn utf8(path: &Path) -> Result<String, WorkspaceError> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        let what = "the path is not valid UTF-8";
        WorkspaceError::new(WorkspaceErrorKind::Io, path, what, "Rename the directory, or use another one.")
    })
}
