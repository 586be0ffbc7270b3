//! Makes the git worktree a run works in, on a branch of its own, and hides the repository from it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::error::{WorkspaceError, WorkspaceErrorKind};
use super::scratch::{make_private, utf8};
use crate::domain::{RunId, Untrusted, Workspace};
use crate::tools::git::layout::is_git_name;
use crate::tools::git::program::{Git, GitError};
use crate::tools::git::repository::{LIST_FILTERS, filter_drivers, without_filters};

/// Longest part of a goal in a branch name.
const LONGEST_SLUG: usize = 40;
/// Uncommitted files named in the refusal.
const MOST_NAMED: usize = 10;

/// Beside a worktree, where nothing confined can write: whose worktree it is.
const RECORD: &str = "workspace.json";

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

/// Makes a worktree on a new branch `morningai/<goal>-<run>` at the repository's present commit. One that cannot be made
/// leaves nothing behind.
pub async fn create_worktree(request: WorktreeRequest<'_>) -> Result<Workspace, WorkspaceError> {
    // Git is run elsewhere, where a relative path would mean another place.
    let data_dir = std::path::absolute(request.data_dir).unwrap_or_else(|_| request.data_dir.to_owned());
    let home = top_level(request.repository, &data_dir).await?;
    let base = present_commit(&home).await?;
    if request.uncommitted == Uncommitted::Refuse {
        refuse_uncommitted(&home, &data_dir).await?;
    }
    let branch = format!("morningai/{}-{}", slug(request.goal), request.run.short());
    let parent = data_dir.join("worktrees").join(request.run.to_string());
    make_private(&parent)?;
    let parent = parent.canonicalize().map_err(|error| WorkspaceError::io(&parent, "open it", &error))?;
    let mut workspace = Workspace {
        root: utf8(&parent.join(directory_name(&home)))?,
        repository: Some(utf8(&home)?),
        git_dir: None,
        branch: Some(branch),
        base: Some(base),
        left_out: Vec::new(),
    };
    match fill(&home, &parent, &mut workspace).await {
        Ok(()) => Ok(workspace),
        Err(error) => {
            undo(&home, &parent, &workspace).await;
            Err(error)
        }
    }
}

/// The repository's own name where a path may have it, for people to recognise.
fn directory_name(home: &Path) -> &str {
    let plain = |name: &&str| !name.chars().any(char::is_control);
    home.file_name().and_then(std::ffi::OsStr::to_str).filter(plain).unwrap_or("repository")
}

async fn fill(home: &Path, parent: &Path, workspace: &mut Workspace) -> Result<(), WorkspaceError> {
    let (branch, base) = (workspace.branch.clone().unwrap_or_default(), workspace.base.clone().unwrap_or_default());
    let root = Path::new(&workspace.root);
    add(home, root, &branch, &base).await?;
    workspace.git_dir = Some(utf8(&hide(root).await?)?);
    workspace.left_out =
        super::left_out::left_out(workspace).await.map_err(|error| WorkspaceError::git(home, &error))?;
    let record = serde_json::to_vec(workspace).map_err(std::io::Error::from);
    let written = record.and_then(|record| std::fs::write(parent.join(RECORD), record));
    written.map_err(|error| WorkspaceError::io(parent, "write in it", &error))
}

/// Takes back as much of a worktree as was made. What cannot be taken back is of no more use than what can.
async fn undo(home: &Path, parent: &Path, workspace: &Workspace) {
    let _ = std::fs::remove_dir_all(parent);
    for args in [["worktree", "unlock"].as_slice(), &["worktree", "remove", "--force", "--"]] {
        let _ = Git::new(home, args.iter().copied().chain([workspace.root.as_str()])).run().await;
    }
    let _ = drop_unused_branch(home, workspace).await;
}

/// A branch on which nothing was committed is of no use to anyone.
pub(super) async fn drop_unused_branch(home: &Path, workspace: &Workspace) -> Result<(), WorkspaceError> {
    let (Some(branch), Some(base)) = (&workspace.branch, &workspace.base) else { return Ok(()) };
    // Naming the old value leaves a branch alone that has moved on.
    let delete = ["update-ref", "-d", &format!("refs/heads/{branch}"), base];
    Git::new(home, delete).run().await.map(|_| ()).map_err(|error| WorkspaceError::git(home, &error))
}

/// Whether a directory was made for this worktree and nothing else.
pub(super) fn is_own(directory: &Path, workspace: &Workspace) -> bool {
    recorded(directory).is_some_and(|recorded| recorded.root == workspace.root)
}

fn recorded(directory: &Path) -> Option<Workspace> {
    serde_json::from_slice(&std::fs::read(directory.join(RECORD)).ok()?).ok()
}

/// Refuses what lies where agents have written: a repository found there need not be what it seems.
fn refuse_ours(path: &Path, named: &Path, data_dir: &Path) -> Result<(), WorkspaceError> {
    let Ok(real) = path.canonicalize() else { return Ok(()) };
    // From the top, since what an agent wrote lies further down. Another data directory's worktrees count as well.
    let above: Vec<&Path> = real.ancestors().collect();
    let found = above.iter().rev().find_map(|directory| recorded(directory));
    let refused = |what: String, hint: String| Err(WorkspaceError::new(WorkspaceErrorKind::Ours, named, what, hint));
    if let Some(Workspace { root, repository: Some(repository), branch: Some(branch), .. }) = found
        && real.starts_with(&root)
    {
        let what = format!("this is the worktree of an earlier run, on the branch {branch} of {repository}");
        let hint = "Name that repository: a run there starts from what is checked out in it, so merge the branch or check it \
                    out first to go on from it.";
        return refused(what, hint.to_owned());
    }
    let is_below = |name: &str| data_dir.join(name).canonicalize().is_ok_and(|ours| real.starts_with(ours));
    if is_below("worktrees") || is_below("scratch") {
        let what = "this is where an earlier run worked, and what is there is an agent's".to_owned();
        return refused(what, "Name the repository itself; `morningai runs show` says which it was.".to_owned());
    }
    Ok(())
}

/// Top of the repository that `path` is in.
async fn top_level(path: &Path, data_dir: &Path) -> Result<PathBuf, WorkspaceError> {
    use WorkspaceErrorKind as Kind;
    let here = |kind, what: &str, hint: &str| WorkspaceError::new(kind, path, what, hint);
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(here(Kind::Missing, "there is no such directory", "Check the path of the workspace."));
        }
        Err(error) => return Err(WorkspaceError::io(path, "look at it", &error)),
        Ok(found) if !found.is_dir() => {
            return Err(here(Kind::NotADirectory, "this is a file", "Name the directory of a git repository."));
        }
        Ok(_) => {}
    }
    refuse_ours(path, path, data_dir)?;
    let ask = async |question| {
        let asked = Git::new(path, ["rev-parse", question]).run().await;
        asked.map_err(|error| WorkspaceError::git(path, &error))
    };
    let ran = ask("--is-inside-git-dir").await?;
    let is_bare = ran.complaint().contains("bare repository");
    if ran.code == Some(0) && ran.text() == "false" {
        let top = ask("--show-toplevel").await?.path();
        refuse_ours(&top, path, data_dir)?;
        utf8(&top)?;
        return Ok(top);
    }
    Err(match ran.complaint() {
        // Older gits take the inside for a bare repository.
        _ if is_bare && path.file_name().is_some_and(is_git_name)
            || ran.code == Some(0) && ask("--is-bare-repository").await?.text() != "true" =>
        {
            here(Kind::NotARepository, "this is the inside of a .git directory", "Name the directory above it.")
        }
        _ if ran.code == Some(0) || is_bare => {
            here(Kind::BareRepository, "this is a bare repository", "Clone it and name the clone.")
        }
        said if said.contains("dubious ownership") => here(
            Kind::NotOwned,
            "another user owns this repository, so git does not trust it",
            "If you do: git config --global --add safe.directory PATH",
        ),
        said if said.contains("not a git repository") => here(
            Kind::NotARepository,
            "this is not a git repository",
            "Name one, or make one here: git init && git add . && git commit -m 'Begin'",
        ),
        said => here(Kind::Git, &said, "Run `git status` there to see what git says."),
    })
}

async fn present_commit(home: &Path) -> Result<String, WorkspaceError> {
    let asked = Git::new(home, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).run().await;
    let ran = asked.map_err(|error| WorkspaceError::git(home, &error))?;
    if ran.code == Some(0) {
        return Ok(ran.text());
    }
    let hint = "Commit something first: git add . && git commit -m 'Begin'";
    Err(WorkspaceError::new(WorkspaceErrorKind::NoCommits, home, "this repository has no commits yet", hint))
}

async fn refuse_uncommitted(home: &Path, data_dir: &Path) -> Result<(), WorkspaceError> {
    let mut args: Vec<OsString> =
        ["status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal", "--ignore-submodules=all", "--"]
            .map(OsString::from)
            .into();
    // What this program writes itself is no change of the repository, also where it is told to write inside it.
    let ours = data_dir.canonicalize().ok().and_then(|ours| ours.strip_prefix(home).ok().map(Path::to_owned));
    if let Some(ours) = ours.filter(|ours| !ours.as_os_str().is_empty()) {
        args.extend([":(top)".into(), [":(top,exclude,literal)".as_ref(), ours.as_os_str()].into_iter().collect()]);
    }
    // The user's own filters stay on here: without them every file they apply to would look changed.
    let ran = Git::new(home, args).success().await.map_err(|error| WorkspaceError::git(home, &error))?;
    let changed = ran.texts();
    if changed.is_empty() {
        return Ok(());
    }
    let named: Vec<String> =
        changed.iter().take(MOST_NAMED).map(|row| Untrusted::from(row.as_str()).visible().into_owned()).collect();
    let more = changed.len() - named.len();
    let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
    let what = format!("it has changes that are not committed:\n{}{more}", named.join("\n"));
    let hint = "Commit or stash them, since the run would not see them; or go on from the last commit without them.";
    Err(WorkspaceError::new(WorkspaceErrorKind::Uncommitted, home, what, hint))
}

async fn add(home: &Path, root: &Path, branch: &str, base: &str) -> Result<(), WorkspaceError> {
    let wrong = |error: &GitError| WorkspaceError::git(home, error);
    let filters = filter_drivers(Git::new(home, LIST_FILTERS)).await.map_err(|error| wrong(&error))?;
    let reason = "in use by a morningai run";
    let mut args: Vec<&std::ffi::OsStr> =
        ["worktree", "add", "--quiet", "--no-track", "--lock", "--reason", reason].map(std::ffi::OsStr::new).into();
    args.extend(["-b", branch].map(std::ffi::OsStr::new));
    args.extend([root.as_os_str(), base.as_ref()]);
    Git::new(home, args)
        .config(without_filters(&filters))
        .fetching()
        .success()
        .await
        .map(|_| ())
        .map_err(|error| wrong(&error))
}

/// Takes the `.git` file away and returns the git directory it named.
async fn hide(root: &Path) -> Result<PathBuf, WorkspaceError> {
    let asked = Git::new(root, ["rev-parse", "--absolute-git-dir"]).success().await;
    let git_dir = asked.map_err(|error| WorkspaceError::git(root, &error))?.path();
    std::fs::remove_file(root.join(".git")).map_err(|error| WorkspaceError::io(root, "hide the repository", &error))?;
    git_dir.canonicalize().map_err(|error| WorkspaceError::io(root, "find its git directory", &error))
}

/// A goal as part of a branch name: lower-case words of ASCII letters and digits. Letters lose their accents; a word
/// in another script is left out as a whole, for what remained of it would be no word.
fn slug(goal: &str) -> String {
    let mut slug = String::new();
    let plain: String = goal.nfd().filter(|c| !is_combining_mark(*c)).collect();
    let words = plain.split(|c: char| !c.is_alphanumeric());
    for word in words.filter(|word| !word.is_empty() && word.is_ascii()) {
        if !slug.is_empty() && slug.len() + word.len() >= LONGEST_SLUG {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_ascii_lowercase()[..word.len().min(LONGEST_SLUG)]);
    }
    if slug.is_empty() { "run".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_become_branch_names() {
        assert_eq!(slug("Make the failing test pass!"), "make-the-failing-test-pass");
        assert_eq!(slug("--upload-pack=/bin/sh; rm -rf ~"), "upload-pack-bin-sh-rm-rf");
        assert_eq!(slug("почини тест"), "run");
        assert_eq!(slug("réparer le façade, naïve Ångström"), "reparer-le-facade-naive-angstrom");
        assert_eq!(slug("fix тест2 now"), "fix-now");
        assert_eq!(slug(&"x".repeat(200)).len(), LONGEST_SLUG);
        assert!(slug("a goal that goes on and on for far longer than any branch name should").len() <= LONGEST_SLUG);
    }
}
