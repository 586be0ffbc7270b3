//! What a person's own commit or push would do and an agent's does not: run the repository's hooks, sign.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::program::{Git, GitError};
use super::repository::Repository;
use crate::domain::Workspace;

/// Hooks that git runs for a commit, in their order, and for a push.
pub const COMMIT_HOOKS: &[&str] =
    &["pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "reference-transaction"];
pub const PUSH_HOOKS: &[&str] = &["pre-push"];

/// The hooks among `names` that the repository has, where they are, and whether it wants commits signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unused {
    pub hooks: Vec<PathBuf>,
    pub signing: bool,
}

impl Unused {
    pub async fn of(repository: &Repository, names: &[&str]) -> Result<Self, GitError> {
        let ask = |args: &[&str]| repository.git(args);
        Self::asking(ask, &repository.work_tree, names).await
    }

    async fn asking(ask: impl Fn(&[&str]) -> Git, work_tree: &Path, names: &[&str]) -> Result<Self, GitError> {
        let directory = hooks_directory(&ask, work_tree).await?;
        let is_hook = |path: &PathBuf| {
            std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        };
        let hooks = names.iter().map(|name| directory.join(name)).filter(is_hook).collect();
        let signing = ask(&["config", "--type=bool", "--get", "commit.gpgSign"]).run().await?.text() == "true";
        Ok(Self { hooks, signing })
    }

    /// The names of the hooks, as people know them.
    pub fn names(&self) -> Vec<&str> {
        self.hooks.iter().filter_map(|path| path.file_name()?.to_str()).collect()
    }

    /// What the repository has; `None` where it has neither.
    pub fn has(&self) -> Option<String> {
        let hooks = (!self.hooks.is_empty()).then(|| format!("hooks ({})", self.names().join(", ")));
        let signing = self.signing.then(|| "commit.gpgSign set".to_owned());
        let parts: Vec<String> = hooks.into_iter().chain(signing).collect();
        (!parts.is_empty()).then(|| parts.join(" and "))
    }

    /// In words, with what became of it; `None` where the repository has neither.
    pub fn told(&self) -> Option<String> {
        let names = self.names();
        let hooks = (!names.is_empty())
            .then(|| format!("the repository's hooks are not run for an agent ({})", names.join(", ")));
        let signing =
            self.signing.then(|| "an agent's commits are not signed, although commit.gpgSign is set".to_owned());
        let parts: Vec<String> = hooks.into_iter().chain(signing).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// Where the user's configuration has the hooks: ours says that there are none.
async fn hooks_directory(ask: &impl Fn(&[&str]) -> Git, work_tree: &Path) -> Result<PathBuf, GitError> {
    let args = ["config", "--null", "--show-scope", "--type=path", "--get-all", "core.hooksPath"];
    let configured = ask(&args).run().await?;
    let fields: Vec<_> = configured.fields().collect();
    let users = fields.chunks_exact(2).rev().find(|pair| pair[0] != "command");
    match users {
        Some(pair) => Ok(work_tree.join(pair[1])),
        None => {
            Ok(ask(&["rev-parse", "--path-format=absolute", "--git-common-dir"]).success().await?.path().join("hooks"))
        }
    }
}

/// The same of the repository that a directory is in, for `doctor`; `None` where it is in none.
pub async fn unused_in(directory: &Path) -> Option<Unused> {
    let top = Git::new(directory, ["rev-parse", "--show-toplevel"]).success().await.ok()?.path();
    let names: Vec<&str> = COMMIT_HOOKS.iter().chain(PUSH_HOOKS).copied().collect();
    Unused::asking(|args| Git::new(&top, args), &top, &names).await.ok()
}

/// What people should know at the end of a run: files changed since its start that other programs obey.
pub async fn obeyed_since_start(workspace: &Workspace) -> Option<String> {
    let (Some(base), Some(_)) = (&workspace.base, &workspace.git_dir) else { return None };
    let repository = Repository::open(workspace, &CancellationToken::new()).await.ok()?;
    let staging = super::staging::Staging::of(&repository, super::staging::Objects::Scratch).await.ok()?;
    let changes = staging.changes(base).await.ok()?;
    crate::tools::obeyed::notice(changes.iter().map(|change| change.path.as_path()))
}
