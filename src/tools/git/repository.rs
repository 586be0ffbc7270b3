//! A run's worktree as git sees it: explicit git directory, explicit work tree, the branch and commit it stands at.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::program::{Git, GitError};
use crate::domain::{FailureKind, Output, ToolResult, Untrusted, Workspace};
use crate::ports::ToolContext;

/// An opened worktree.
#[derive(Clone, Debug)]
pub struct Repository {
    pub git_dir: PathBuf,
    pub work_tree: PathBuf,
    /// Top of the repository the worktree belongs to; relative remotes are relative to it.
    pub home: PathBuf,
    /// Where the run began.
    pub base: Option<String>,
    /// Names of the filter drivers the user has configured.
    filters: Vec<OsString>,
    cancel: CancellationToken,
}

/// Where the worktree stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Name of the branch, without `refs/heads/`.
    pub branch: String,
    pub commit: String,
}

impl Repository {
    /// Opens the worktree of a run.
    pub async fn of(context: &ToolContext, cancel: &CancellationToken) -> Result<Self, ToolResult> {
        let Some(workspace) = &context.workspace else {
            return Err(ToolResult::failure(FailureKind::Failed, "this run has no workspace"));
        };
        if workspace.git_dir.is_none() {
            let summary = "this workspace is not a git worktree, so there is nothing to commit or push";
            return Err(ToolResult::failure(FailureKind::Failed, summary));
        }
        Self::open(workspace, cancel).await.map_err(|error| failure(&error))
    }

    pub async fn open(workspace: &Workspace, cancel: &CancellationToken) -> Result<Self, GitError> {
        let work_tree = PathBuf::from(&workspace.root);
        let mut opened = Self {
            git_dir: workspace.git_dir.as_ref().map(PathBuf::from).unwrap_or_default(),
            home: workspace.repository.as_ref().map_or_else(|| work_tree.clone(), PathBuf::from),
            work_tree,
            base: workspace.base.clone(),
            filters: Vec::new(),
            cancel: cancel.clone(),
        };
        opened.filters = filter_drivers(opened.git(LIST_FILTERS)).await?;
        Ok(opened)
    }

    /// A command on this worktree, run in it. What attributes say of files is what they said where the run began: those
    /// an agent wrote would have its own files refused, changed on their way, or left out of what people are shown.
    pub fn git<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Git {
        let (git_dir, work_tree) = self.locations();
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        let git = Git::new(&self.work_tree, [git_dir.into(), work_tree.into()].into_iter().chain(args))
            .config(without_filters(&self.filters))
            .cancel(self.cancel.clone());
        git.env(ATTRIBUTES, self.base.as_deref().unwrap_or(NOTHING))
    }

    /// A command on commits and trees alone, run where no attributes are: `-diff` would hide a file's change, on older
    /// gits also from the worktree and the index.
    pub fn trees<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Git {
        let place = ["--git-dir=", "--work-tree="].map(|option| format!("{option}{}", self.git_dir.display()).into());
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        Git::new(&self.git_dir, place.into_iter().chain::<Vec<OsString>>(args.collect()))
            .cancel(self.cancel.clone())
            .env("GIT_INDEX_FILE", self.git_dir.join("index.none"))
    }

    /// `--git-dir=…` and `--work-tree=…`.
    pub fn locations(&self) -> (String, String) {
        (format!("--git-dir={}", self.git_dir.display()), format!("--work-tree={}", self.work_tree.display()))
    }

    /// The branch checked out and its commit.
    pub async fn head(&self) -> Result<Head, ToolResult> {
        let symbolic = self.git(["symbolic-ref", "--quiet", "HEAD"]).run().await.map_err(|error| failure(&error))?;
        let name = symbolic.text();
        let Some(branch) = name.strip_prefix("refs/heads/") else {
            let summary = "the worktree is on no branch; git_branch makes one";
            return Err(ToolResult::failure(FailureKind::Failed, summary));
        };
        Ok(Head { branch: branch.to_owned(), commit: self.commit("HEAD").await? })
    }

    /// The full id of a commit.
    pub async fn commit(&self, name: &str) -> Result<String, ToolResult> {
        let verify = self.git(["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")]);
        verify.success().await.map(|ran| ran.text()).map_err(|error| failure(&error))
    }

    /// Names of filter drivers the user has configured.
    pub fn filter_drivers(&self) -> &[OsString] {
        &self.filters
    }

    /// Where this worktree's objects are.
    pub async fn objects(&self) -> Result<PathBuf, ToolResult> {
        let path = self.git(["rev-parse", "--path-format=absolute", "--git-path", "objects"]);
        path.success().await.map(|ran| ran.path()).map_err(|error| failure(&error))
    }
}

/// Names the commit or tree that attributes are read from.
pub const ATTRIBUTES: &str = "GIT_ATTR_SOURCE";
/// The empty tree, which every repository that names its objects by SHA-1 knows.
const NOTHING: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const NOTHING_SHA256: &str = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321";

/// The empty tree of the repository that has this commit.
pub fn nothing(commit: &str) -> &'static str {
    if commit.len() == NOTHING_SHA256.len() { NOTHING_SHA256 } else { NOTHING }
}

/// Lists the keys that name programs to run on file contents.
pub const LIST_FILTERS: [&str; 5] =
    ["config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.(clean|smudge|process|required)$"];

/// The drivers that [`LIST_FILTERS`] finds, each once.
pub async fn filter_drivers(list: Git) -> Result<Vec<OsString>, GitError> {
    let found = list.run().await?;
    let name = |key: &OsStr| {
        let key = key.as_bytes().strip_prefix(b"filter.")?;
        let end = key.iter().rposition(|byte| *byte == b'.')?;
        Some(OsString::from_vec(key[..end].to_vec()))
    };
    let mut drivers: Vec<OsString> = found.fields().filter_map(name).collect();
    drivers.sort();
    drivers.dedup();
    Ok(drivers)
}

/// Settings that empty each filter: which files one applies to is said by `.gitattributes`, which agents write.
pub fn without_filters(drivers: &[OsString]) -> impl Iterator<Item = (OsString, OsString)> {
    let off = [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")];
    drivers.iter().flat_map(move |driver| {
        off.map(|(name, value)| {
            let key: OsString =
                [OsStr::new("filter."), driver, OsStr::new("."), OsStr::new(name)].into_iter().collect();
            (key, value.into())
        })
    })
}

/// A git error as a tool's result.
pub fn failure(error: &GitError) -> ToolResult {
    let kind = match error {
        GitError::TimedOut { .. } => FailureKind::Limit,
        GitError::Cancelled { .. } => FailureKind::Cancelled,
        GitError::Start(_) | GitError::Directory { .. } | GitError::Failed { .. } => FailureKind::Failed,
    };
    let text = error.to_string();
    let mut result = ToolResult::failure(kind, text.lines().next().unwrap_or_default());
    result.output = Output::text(text);
    result
}

/// Refuses names that git would take for an option, a revision or several refs.
pub async fn check_branch_name(name: &str) -> Result<(), ToolResult> {
    let shown = Untrusted::from(name);
    let plain = !name.starts_with(['-', '+']) && name != "HEAD" && !name.starts_with("refs/");
    let check = Git::new(Path::new("/"), ["check-ref-format", &format!("refs/heads/{name}")]);
    if plain && !name.contains('\0') && check.run().await.map_err(|error| failure(&error))?.code == Some(0) {
        return Ok(());
    }
    let summary = format!("`{}` is not a valid branch name", shown.raw());
    Err(ToolResult::failure(FailureKind::BadCall, summary))
}

/// The first characters of a commit id, as people quote it.
pub fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
