//! Git tools, through the `git` program. They run outside the sandbox, so nothing an agent writes may be obeyed here.

mod attributes;
mod branch;
mod change;
mod commit;
mod hooks;
pub(super) mod layout;
mod leaving;
mod look;
pub(super) mod program;
mod push;
mod remote;
pub(super) mod repository;
pub(super) mod staging;
mod unused;

use std::collections::HashMap;
use std::path::Path;

pub use branch::GitBranch;
pub use commit::{GitCommit, Hooks};
pub use look::{GitDiff, GitLog, GitStatus};
pub use program::version;
pub use push::GitPush;
use tokio_util::sync::CancellationToken;
pub use unused::{obeyed_since_start, unused_in};

use crate::ports::ToolContext;
pub use repository::Repository;

/// Whether files can be brought back after they are deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recoverable {
    /// This commit holds exactly their content.
    From(String),
    No,
}

/// Looks whether the last commit of the run's worktree holds all of `paths` as they are now.
pub async fn recoverable(context: &ToolContext, paths: &[&Path]) -> Recoverable {
    let is_worktree = context.workspace.as_ref().is_some_and(|workspace| workspace.git_dir.is_some());
    if !is_worktree || paths.is_empty() {
        return Recoverable::No;
    }
    committed(context, paths).await.map_or(Recoverable::No, Recoverable::From)
}

/// The commit, if every path is in it, is a regular file and has the same content.
async fn committed(context: &ToolContext, paths: &[&Path]) -> Option<String> {
    let repository = Repository::of(context, &CancellationToken::new()).await.ok()?;
    let head = repository.head().await.ok()?;
    let names: Option<Vec<&str>> = paths.iter().map(|path| path.to_str().filter(|name| !name.contains('\n'))).collect();
    let names = names?;
    let listed = repository.git(["ls-tree", "-r", "-z", "--full-tree", &head.commit]).success().await.ok()?;
    let entries = listed.texts();
    let known: HashMap<&str, &str> = entries
        .iter()
        .filter(|entry| entry.starts_with("100"))
        .filter_map(|entry| entry.split_once('\t'))
        .filter_map(|(kind, path)| Some((path, kind.rsplit(' ').next()?)))
        .collect();
    let wanted: Option<Vec<&str>> = names.iter().map(|name| known.get(name).copied()).collect();
    let input = names.join("\n").into_bytes();
    // Where an agent's attributes would count, only what is the same to the byte is.
    let exactly = if attributes::can_be_told().await.ok()? { None } else { Some("--no-filters") };
    let args = ["hash-object", "--stdin-paths"].into_iter().chain(exactly);
    let hashed = repository.git(args).stdin(input).success().await.ok()?;
    (hashed.text().lines().collect::<Vec<_>>() == wanted?).then_some(head.commit)
}
