//! Runs a repository's hooks for an agent's commit, in the sandbox and only where the user's configuration says so.
//!
//! They see the worktree and a stand-in of the repository: the index to be committed, the commit it builds on, and no
//! configuration, which may hold credentials. They can refuse; what they change is not committed behind anybody's back.

use std::fs;
use std::path::{Path, PathBuf};

use super::repository::{Repository, failure};
use super::staging::Staging;
use super::unused::Unused;
use crate::domain::{FailureKind, ToolResult, Workspace};
use crate::ports::Invocation;
use crate::tools::files::TEMPORARY_PREFIX;
use crate::tools::process;
use crate::tools::process::Job;
use crate::tools::sandbox::{ResourceLimits, Sandbox};

/// Hooks that may refuse a commit, in the order git runs them.
pub const REFUSING: &[&str] = &["pre-commit", "prepare-commit-msg", "commit-msg"];
/// Longest that one may take.
const LIMIT_SECONDS: u64 = 600;

/// Runs the hooks on what is staged; an error says which refused, or what it changed.
pub async fn run(
    sandbox: &Sandbox,
    repository: &Repository,
    staging: &Staging<'_>,
    message: &str,
    invocation: &Invocation<'_>,
) -> Result<(), ToolResult> {
    let Some(workspace) = &invocation.context.workspace else { return Ok(()) };
    let hooks = Unused::of(repository, REFUSING).await.map_err(|error| failure(&error))?.hooks;
    if hooks.is_empty() {
        return Ok(());
    }
    let objects = repository.objects().await?;
    let head = repository.commit("HEAD").await?;
    let stand_in = StandIn::make(&objects, &head, staging).map_err(|error| unusable(&error))?;
    // A name that commits leave out, in case this process dies before it takes the file away.
    let file = Path::new(&workspace.root).join(format!("{TEMPORARY_PREFIX}message-{}", std::process::id()));
    fs::write(&file, format!("{message}\n")).map_err(|error| unusable(&error))?;
    let ran = run_all(sandbox, workspace, &hooks, &stand_in, (&file, &objects), invocation).await;
    let written = fs::read_to_string(&file);
    // A hook may have removed it.
    let _ = fs::remove_file(&file);
    ran?;
    match written {
        Ok(written) if written.trim_end() == message => Ok(()),
        _ => Err(refused(
            "a hook changed the commit message; nothing was committed. Call again with a message it accepts",
        )),
    }
}

async fn run_all(
    sandbox: &Sandbox,
    workspace: &Workspace,
    hooks: &[PathBuf],
    stand_in: &StandIn,
    (file, objects): (&Path, &Path),
    invocation: &Invocation<'_>,
) -> Result<(), ToolResult> {
    let readable = [stand_in.directory.path().to_owned(), objects.to_owned()];
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let env = [
        ("GIT_DIR", text(stand_in.git_dir())),
        ("GIT_WORK_TREE", workspace.root.clone()),
        ("GIT_INDEX_FILE", text(stand_in.git_dir().join("index"))),
        ("GIT_OPTIONAL_LOCKS", "0".to_owned()),
        ("GIT_EDITOR", ":".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    for hook in hooks {
        let name = hook.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let copy = stand_in.directory.path().join(&name);
        fs::copy(hook, &copy).map_err(|error| unusable(&error))?;
        let mut argv = vec![text(copy)];
        if name != "pre-commit" {
            argv.push(text(file.to_owned()));
        }
        if name == "prepare-commit-msg" {
            argv.push("message".to_owned());
        }
        let limits = ResourceLimits { wall_seconds: LIMIT_SECONDS, ..ResourceLimits::default() };
        let job = Job { workspace, argv: &argv, cwd: Path::new(&workspace.root), env: &env, limits };
        let finished = process::run_reading(sandbox, job, &readable, invocation.output, &invocation.cancel).await;
        if !finished.ending.succeeded() {
            let mut result = finished.into_result();
            let said = format!("the hook `{name}` refused the commit ({})", result.summary.raw());
            result.summary = said.into();
            return Err(result);
        }
    }
    Ok(())
}

/// A repository for hooks to look at: it borrows the objects and holds nothing else of the real one.
struct StandIn {
    directory: tempfile::TempDir,
}

impl StandIn {
    fn make(objects: &Path, head: &str, staging: &Staging<'_>) -> std::io::Result<Self> {
        let made = Self { directory: tempfile::Builder::new().prefix("morningai-hooks-").tempdir()? };
        let git_dir = made.git_dir();
        fs::create_dir_all(git_dir.join("objects/info"))?;
        fs::create_dir_all(git_dir.join("refs"))?;
        let sha256 = "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n";
        let format = if head.len() == 64 { sha256 } else { "[core]\n\trepositoryformatversion = 0\n" };
        fs::write(git_dir.join("config"), format)?;
        fs::write(git_dir.join("HEAD"), format!("{head}\n"))?;
        fs::write(git_dir.join("objects/info/alternates"), format!("{}\n", objects.display()))?;
        fs::copy(&staging.index, git_dir.join("index"))?;
        Ok(made)
    }

    fn git_dir(&self) -> PathBuf {
        self.directory.path().join("repository")
    }
}

fn unusable(error: &std::io::Error) -> ToolResult {
    refused(&format!("the repository's hooks cannot be run: {error}; nothing was committed"))
}

pub fn refused(what: &str) -> ToolResult {
    ToolResult::failure(FailureKind::Failed, what)
}
