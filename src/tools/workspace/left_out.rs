//! What a repository has and a worktree of it has not: submodules, files beyond a sparse checkout, contents that filters
//! keep elsewhere, history that was never fetched. Said at the start, so that nobody takes it for missing or empty.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use crate::domain::Workspace;
use crate::tools::cards::count;
use crate::tools::git::Repository;
use crate::tools::git::program::GitError;
use crate::tools::names;

/// Paths that a sentence names.
const MOST_NAMED: usize = 5;
/// Filters after which a file is not what it stands for, and why.
const STAND_INS: &[(&str, &str)] = &[
    ("lfs", "Git LFS keeps the content elsewhere, and only a pointer is here"),
    ("git-crypt", "git-crypt has encrypted the content"),
    ("annex", "git-annex keeps the content elsewhere, and only a pointer is here"),
];

/// Everything that is left out of a new worktree, a sentence each.
pub(super) async fn left_out(workspace: &Workspace) -> Result<Vec<String>, GitError> {
    let repository = Repository::open(workspace, &CancellationToken::new()).await?;
    let mut sentences = Vec::new();
    let links = gitlinks(&repository).await?;
    if !links.is_empty() {
        let are = if links.len() == 1 { "is a submodule that is" } else { "are submodules that are" };
        sentences.push(format!("{} {are} not checked out", named(&links)));
    }
    let sparse = beyond_sparse_checkout(&repository).await?;
    if sparse > 0 {
        let are = count(sparse, "file lies", "files lie");
        sentences.push(format!("{are} outside the repository's sparse checkout"));
    }
    for (filter, what) in STAND_INS {
        let files = listed(&repository, &["ls-files", "-z", "--", &format!(":(top,attr:filter={filter})")]).await?;
        if !files.is_empty() {
            sentences.push(format!("{}: {what}", named(&files)));
        }
    }
    let shallow = repository.git(["rev-parse", "--is-shallow-repository"]).success().await?;
    if shallow.text() == "true" {
        sentences.push("the history before the last commits is not here (a shallow clone)".to_owned());
    }
    let partial = repository.git(["config", "--get-regexp", r"^remote\..*\.promisor$"]).run().await?;
    if partial.text().lines().any(|line| line.ends_with(" true")) {
        sentences.push("older versions of files are not all here and are not fetched (a partial clone)".to_owned());
    }
    Ok(sentences)
}

/// Submodules of the workspace that are not checked out: nothing but an empty directory stands for one.
pub async fn submodules(workspace: &Workspace) -> Vec<PathBuf> {
    if workspace.git_dir.is_none() {
        return Vec::new();
    }
    let links = async { gitlinks(&Repository::open(workspace, &CancellationToken::new()).await?).await };
    let root = Path::new(&workspace.root);
    let is_empty =
        |path: &PathBuf| std::fs::read_dir(root.join(path)).is_ok_and(|mut entries| entries.next().is_none());
    links.await.unwrap_or_default().into_iter().filter(is_empty).collect()
}

async fn gitlinks(repository: &Repository) -> Result<Vec<PathBuf>, GitError> {
    let entries = repository.git(["ls-files", "-z", "--stage"]).success().await?;
    let links = entries.fields().filter_map(|entry| crate::tools::git::staging::gitlink(entry.as_bytes()));
    Ok(links.map(Path::to_owned).collect())
}

async fn beyond_sparse_checkout(repository: &Repository) -> Result<usize, GitError> {
    let entries = repository.git(["ls-files", "-z", "-t"]).success().await?;
    Ok(entries.fields().filter(|entry| entry.as_bytes().starts_with(b"S ")).count())
}

async fn listed(repository: &Repository, args: &[&str]) -> Result<Vec<PathBuf>, GitError> {
    Ok(repository.git(args).success().await?.fields().map(|path: &OsStr| path.into()).collect())
}

fn named(paths: &[PathBuf]) -> String {
    let name = |path: &PathBuf| format!("`{}`", names::written(path));
    let names: Vec<String> = paths.iter().take(MOST_NAMED).map(name).collect();
    let more = paths.len() - names.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}
