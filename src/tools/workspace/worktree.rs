//! Makes the git worktree a run works in, on a branch of its own, and hides the repository from it.

use std::path::Path;
use std::path::PathBuf;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Uncommitted;
use super::WorkspaceError;
use super::WorkspaceErrorKind;
use super::WorktreeRequest;
use super::make_private;
use super::utf8;
use crate::domain::Untrusted;
use crate::domain::Workspace;
use crate::tools::git::program::Git;
use crate::tools::git::program::GitError;
use crate::tools::git::repository::FILTERS;
use crate::tools::git::repository::disabled_filters;

/// Longest part of a goal in a branch name.
const LONGEST_SLUG: usize = 40;
/// Uncommitted files named in the refusal.
const MOST_NAMED: usize = 10;

/// Makes a worktree on a new branch `morningai/<goal>-<run>` at the repository's present commit.
pub async fn create_worktree(request: WorktreeRequest<'_>) -> Result<Workspace, WorkspaceError> {
    let home = top_level(request.repository).await?;
    let base = present_commit(&home).await?;
    if request.uncommitted == Uncommitted::Refuse {
        refuse_uncommitted(&home).await?;
    }
    let branch = format!("morningai/{}-{}", slug(request.goal), request.run.short());
    let name = home.file_name().map_or_else(|| "repository".into(), |name| name.to_owned());
    let parent = request.data_dir.join("worktrees").join(request.run.to_string());
    make_private(&parent)?;
    let root = parent.join(name);
    let io = |doing: &'static str| move |error: std::io::Error| WorkspaceError::io(&parent, doing, &error);
    add(&home, &root, &branch, &base).await?;
    let root = root.canonicalize().map_err(io("open the worktree"))?;
    let git_dir = hide(&root).await?;
    Ok(Workspace {
        root: utf8(&root)?,
        repository: Some(utf8(&home)?),
        git_dir: Some(utf8(&git_dir)?),
        branch: Some(branch),
        base: Some(base),
    })
}

/// Top of the repository that `path` is in.
async fn top_level(path: &Path) -> Result<PathBuf, WorkspaceError> {
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
    let asked = Git::new(path, ["rev-parse", "--is-bare-repository", "--is-inside-git-dir", "--show-toplevel"]);
    let ran = asked.run().await.map_err(|error| WorkspaceError::git(path, &error))?;
    let text = ran.text();
    let mut lines = text.lines();
    match (lines.next(), lines.next(), lines.next()) {
        (Some("true"), _, _) => {
            Err(here(Kind::BareRepository, "this is a bare repository", "Clone it and name the clone."))
        }
        (Some("false"), Some("true"), _) => {
            Err(here(Kind::NotARepository, "this is the inside of a .git directory", "Name the directory above it."))
        }
        (Some("false"), Some("false"), Some(top)) => Ok(PathBuf::from(top)),
        _ if ran.complaint().contains("dubious ownership") => Err(here(
            Kind::NotOwned,
            "another user owns this repository, so git does not trust it",
            "If you do: git config --global --add safe.directory PATH",
        )),
        _ if ran.complaint().contains("not a git repository") => Err(here(
            Kind::NotARepository,
            "this is not a git repository",
            "Name one, or make one here: git init && git add . && git commit -m 'Begin'",
        )),
        _ => Err(here(Kind::Git, &ran.complaint(), "Run `git status` there to see what git says.")),
    }
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

async fn refuse_uncommitted(home: &Path) -> Result<(), WorkspaceError> {
    let args = ["status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal", "--ignore-submodules=all"];
    // The user's own filters stay on here: without them every file they apply to would look changed.
    let ran = Git::new(home, args).success().await.map_err(|error| WorkspaceError::git(home, &error))?;
    let changed: Vec<String> = ran.fields().collect();
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
    let filters = Git::new(home, ["config", "--null", "--name-only", "--get-regexp", FILTERS]);
    let filters = disabled_filters(filters).await.map_err(|error| wrong(&error))?;
    let reason = "in use by a morningai run";
    let mut args: Vec<&std::ffi::OsStr> =
        ["worktree", "add", "--quiet", "--no-track", "--lock", "--reason", reason].map(std::ffi::OsStr::new).into();
    args.extend(["-b", branch].map(std::ffi::OsStr::new));
    args.extend([root.as_os_str(), base.as_ref()]);
    Git::new(home, args).config(filters).success().await.map(|_| ()).map_err(|error| wrong(&error))
}

/// Takes the `.git` file away and returns the git directory it named.
async fn hide(root: &Path) -> Result<PathBuf, WorkspaceError> {
    let asked = Git::new(root, ["rev-parse", "--absolute-git-dir"]).success().await;
    let git_dir = PathBuf::from(asked.map_err(|error| WorkspaceError::git(root, &error))?.text());
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
