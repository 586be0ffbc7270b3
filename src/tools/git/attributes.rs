//! Whose attributes count when content is taken in: those of the commit a run began at, never those an agent wrote.
//!
//! Newer gits are told by a variable. An older one reads what stands in the worktree, unless the repository's own
//! `info/attributes` says otherwise; so it is shown a stand-in for what a repository's worktrees share.

use std::ffi::OsStr;
use std::path::Path;
use std::{fs, io};

use tokio::sync::OnceCell;

use super::program::{Git, GitError, version};
use super::repository::{ATTRIBUTES, Repository, nothing};

/// The first version that heeds the variable in everything asked of it here.
const HEEDS: (u32, u32) = (2, 43);
const FILE: &str = ".gitattributes";
/// Takes back whatever files in the worktree say of content, and keeps the one macro of git's own what it is.
const RESET: &str =
    "[attr]binary -diff -merge -text\n* !text !eol !crlf !ident !working-tree-encoding !filter !diff !merge\n";

/// Whether git can be told where to read attributes.
pub async fn can_be_told() -> Result<bool, GitError> {
    static ANSWER: OnceCell<bool> = OnceCell::const_new();
    let ask = async || Ok(numbers(&version().await?).is_some_and(|version| version >= HEEDS));
    ANSWER.get_or_try_init(ask).await.copied()
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// Has a command that takes content in heed the attributes of this commit and no others; none without one. Its objects
/// must have been given a directory. What this writes lies in `scratch`, for as long as the command runs.
pub async fn heeding(repository: &Repository, git: Git, commit: Option<&str>, scratch: &Path) -> Result<Git, GitError> {
    if can_be_told().await? {
        let none = nothing(repository.base.as_deref().unwrap_or_default());
        return Ok(git.env(ATTRIBUTES, commit.unwrap_or(none)));
    }
    let asked = repository.git(["rev-parse", "--path-format=absolute", "--git-common-dir"]).success().await?;
    let written = match commit {
        Some(commit) => of_commit(repository, commit).await?,
        None => String::new(),
    };
    let shared = scratch.join("shared");
    stand_in(&asked.path(), &shared, &written).map_err(|error| GitError::Directory { path: shared.clone(), error })?;
    Ok(git.env("GIT_COMMON_DIR", shared))
}

/// A directory that git takes for what worktrees share, as far as taking content in needs it.
fn stand_in(common: &Path, shared: &Path, written: &str) -> io::Result<()> {
    for directory in ["info", "refs"] {
        fs::create_dir_all(shared.join(directory))?;
    }
    for file in ["config", "info/exclude"] {
        match fs::copy(common.join(file), shared.join(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let own = match fs::read(common.join("info/attributes")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read?,
    };
    // What comes later wins: the user's own file over those of the commit, and these over what an agent wrote.
    fs::write(shared.join("info/attributes"), [RESET.as_bytes(), written.as_bytes(), &own].concat())
}

/// All attributes of a commit as one file at its top.
async fn of_commit(repository: &Repository, commit: &str) -> Result<String, GitError> {
    let listed = repository.git(["ls-tree", "-r", "-z", "--name-only", "--full-tree", commit]).success().await?;
    let is_one = |path: &&Path| path.file_name() == Some(OsStr::new(FILE));
    let mut files: Vec<&Path> = listed.fields().map(Path::new).filter(is_one).collect();
    // Deeper ones come later, and so win.
    files.sort_by_key(|path| path.components().count());
    let mut all = String::new();
    for path in files {
        // Names beyond this would have to be escaped in several ways at once; content below them is taken as it is.
        let Some(directory) = path.parent().and_then(Path::to_str).filter(|name| is_simple(name)) else { continue };
        let content = repository.git(["cat-file", "blob", &format!("{commit}:{}", path.display())]).success().await?;
        all.extend(content.text().lines().map(|line| at_top(directory, line) + "\n"));
    }
    Ok(all)
}

fn is_simple(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | '@'))
}

/// A line of a directory's attributes as it reads at the top.
fn at_top(directory: &str, line: &str) -> String {
    let line = line.trim();
    if directory.is_empty() || line.is_empty() || line.starts_with(['#', '[']) {
        return line.to_owned();
    }
    let (quote, line) = line.strip_prefix('"').map_or(("", line), |rest| ("\"", rest));
    let end = if quote.is_empty() { line.find(char::is_whitespace) } else { line.find('"') };
    let anywhere = if line[..end.unwrap_or(line.len())].contains('/') { "" } else { "**/" };
    format!("{quote}/{directory}/{anywhere}{}", line.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_however_they_go_on() {
        assert_eq!(numbers("2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(numbers("2.43.0.windows.1"), Some((2, 43)));
        assert_eq!(numbers("next"), None);
    }

    #[test]
    fn a_line_means_the_same_at_the_top() {
        let top = |line| at_top("a/b", line);
        assert_eq!(top("*.bat eol=crlf"), "/a/b/**/*.bat eol=crlf");
        assert_eq!(top("/x text"), "/a/b/x text");
        assert_eq!(top("c/*.x path=/y"), "/a/b/c/*.x path=/y");
        assert_eq!(top("*.y path=/y"), "/a/b/**/*.y path=/y");
        assert_eq!(top("\"a b\" -text"), "\"/a/b/**/a b\" -text");
        assert_eq!((top("# x"), at_top("", " *.c text")), ("# x".to_owned(), "*.c text".to_owned()));
    }
}
