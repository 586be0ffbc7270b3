//! What a commit of the worktree would hold, worked out beside the repository's own index.
//!
//! Submodules are left as they are: looking into one would obey the configuration in it, which an agent can write.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;

use super::change;
use super::program::Git;
use super::repository::Repository;
use super::repository::failure;
use crate::domain::FailureKind;
use crate::domain::Output;
use crate::domain::ToolResult;
use crate::tools::files::TEMPORARY_PREFIX;
use crate::tools::names;

/// Mode of an entry that is another repository.
const GITLINK: &str = "160000";

/// Where the objects of a staging go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objects {
    /// Beside the repository, forgotten afterwards: a dry run.
    Scratch,
    /// Into the repository, to be committed.
    Kept,
}

/// The worktree as a tree object.
pub struct Staging<'a> {
    repository: &'a Repository,
    pub tree: String,
    /// Environment under which the tree can be read.
    env: Vec<(String, String)>,
    /// Holds index and objects of a dry run; gone with it.
    _scratch: tempfile::TempDir,
    pub index: std::path::PathBuf,
}

/// One file that differs between two trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// `A`, `M`, `D` or `T`.
    pub status: char,
    pub path: PathBuf,
    /// Lines added and removed; `None` for binary files.
    pub lines: Option<(usize, usize)>,
    pub gitlink: bool,
}

impl Changed {
    /// `M src/lib.rs +3 -1`.
    pub fn row(&self) -> String {
        let path = names::written(&self.path);
        let lines = self.lines.map_or_else(|| "binary".to_owned(), |(added, removed)| format!("+{added} -{removed}"));
        format!("{} {path} {lines}", self.status)
    }
}

impl<'a> Staging<'a> {
    /// Adds everything in the worktree to a copy of the index.
    pub async fn of(repository: &'a Repository, objects: Objects) -> Result<Self, ToolResult> {
        let scratch = tempfile::tempdir().map_err(io_failure)?;
        let index = match objects {
            Objects::Scratch => scratch.path().join("index"),
            // Beside the real index, so that it can take its place in one step.
            Objects::Kept => repository.git_dir.join("index.morningai"),
        };
        copy_index(&repository.git_dir.join("index"), &index).map_err(io_failure)?;
        let mut env = vec![("GIT_INDEX_FILE".to_owned(), index.display().to_string())];
        if objects == Objects::Scratch {
            let store = scratch.path().join("objects");
            std::fs::create_dir(&store).map_err(io_failure)?;
            env.push(("GIT_OBJECT_DIRECTORY".to_owned(), store.display().to_string()));
            env.push(("GIT_ALTERNATE_OBJECT_DIRECTORIES".to_owned(), repository.objects().await?));
        }
        let mut staging = Self { repository, tree: String::new(), env, _scratch: scratch, index };
        staging.add().await?;
        let written = staging.git(["write-tree"]).success().await.map_err(|error| failure(&error))?;
        staging.tree = written.text();
        Ok(staging)
    }

    pub fn git<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Git {
        self.env.iter().fold(self.repository.git(args), |git, (name, value)| git.env(name, value))
    }

    async fn add(&self) -> Result<(), ToolResult> {
        let listed = self.git(["ls-files", "-z", "--stage"]).success().await.map_err(|error| failure(&error))?;
        let links = listed.raw_fields().filter(|entry| entry.starts_with(GITLINK.as_bytes()));
        let paths = links.filter_map(|entry| entry.splitn(2, |byte| *byte == b'\t').nth(1));
        let left_out = paths
            .map(|path| pathspec(":(top,exclude,literal)", path))
            .chain([OsString::from(format!(":(top,exclude,glob)**/{TEMPORARY_PREFIX}*"))]);
        let args = ["add", "--all", "--", ":(top)"].map(OsString::from).into_iter().chain(left_out);
        self.git(args).success().await.map(|_| ()).map_err(|error| failure(&error))
    }

    /// What differs between commit or tree `from` and the staged tree.
    pub async fn changes(&self, from: &str) -> Result<Vec<Changed>, ToolResult> {
        let args = ["diff-tree", "-r", "-z", "--raw", "--numstat", "--no-renames", "--no-ext-diff", from, &self.tree];
        let listed = self.git(args).success().await.map_err(|error| failure(&error))?;
        Ok(parse_changes(listed.raw_fields()))
    }

    /// The same as a unified diff, of one path or of all.
    pub async fn diff(&self, from: &str, path: Option<&Path>) -> Result<Vec<u8>, ToolResult> {
        let mut args: Vec<OsString> = change::arguments(from, &self.tree).into_iter().map(OsString::from).collect();
        args.push("--".into());
        args.extend(path.map(|path| pathspec(":(top,literal)", path.as_os_str().as_bytes())));
        let printed = self.git(args).success().await.map_err(|error| failure(&error))?.stdout;
        Ok(change::with_names(&printed))
    }

    /// Refuses what a commit must not hold: other repositories, and files past a filter they were meant to pass.
    pub async fn check(&self, changes: &[Changed]) -> Result<(), ToolResult> {
        if let Some(link) = changes.iter().find(|change| change.gitlink && change.status != 'D') {
            let path = names::written(&link.path);
            let summary = format!("`{path}` is a git repository of its own and cannot be committed");
            return Err(ToolResult::failure(FailureKind::Failed, summary));
        }
        let drivers: Vec<&str> = self.repository.filter_drivers().collect();
        if drivers.is_empty() || changes.is_empty() {
            return Ok(());
        }
        let paths: Vec<u8> = changes
            .iter()
            .filter(|change| change.status != 'D')
            .flat_map(|change| [change.path.as_os_str().as_bytes(), b"\0"].concat())
            .collect();
        let asked = self.git(["check-attr", "--cached", "-z", "--stdin", "filter"]).stdin(paths);
        let answers = asked.success().await.map_err(|error| failure(&error))?;
        let fields: Vec<&[u8]> = answers.raw_fields().collect();
        let filtered = |answer: &&[&[u8]]| drivers.iter().any(|driver| driver.as_bytes() == answer[2]);
        fields.chunks_exact(3).find(filtered).map_or(Ok(()), |answer| Err(past_filter(answer[0], answer[2])))
    }
}

fn past_filter(path: &[u8], filter: &[u8]) -> ToolResult {
    let (path, filter) = (names::written(&path_of(path)), String::from_utf8_lossy(filter));
    let summary = format!("`{path}` goes through the git filter `{filter}`");
    let why = "Filters are programs and are not run on what an agent wrote. Leave this file unchanged, or ask the \
               person to commit it.";
    let mut refused = ToolResult::failure(FailureKind::Failed, summary.clone());
    refused.output = Output::text(format!("{summary}\n{why}"));
    refused
}

/// Copies the index, or starts without one where there is none yet.
fn copy_index(from: &Path, to: &Path) -> std::io::Result<()> {
    let modified = match std::fs::metadata(from) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        found => found?.modified()?,
    };
    std::fs::copy(from, to)?;
    // Git looks twice at files that are as young as the index. A younger copy would hide a change made in the same
    // instant as the last look that left the size as it was.
    std::fs::File::options().write(true).open(to)?.set_modified(modified)
}

fn io_failure(error: std::io::Error) -> ToolResult {
    ToolResult::failure(FailureKind::Failed, format!("the worktree cannot be staged: {error}"))
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

fn pathspec(magic: &str, path: &[u8]) -> OsString {
    let mut spec = OsString::from(magic);
    spec.push(OsStr::from_bytes(path));
    spec
}

/// Reads `--raw --numstat -z`: `:100644 100644 aaa bbb M`, path, …, then `3\t1\tpath`, ….
fn parse_changes<'a>(fields: impl Iterator<Item = &'a [u8]>) -> Vec<Changed> {
    let mut changes = Vec::new();
    let mut fields = fields.peekable();
    while let Some(raw) = fields.next_if(|field| field.starts_with(b":")) {
        let raw = String::from_utf8_lossy(raw);
        let parts: Vec<&str> = raw.trim_start_matches(':').split(' ').collect();
        let (Some(path), [old, new, _, _, status]) = (fields.next(), parts.as_slice()) else { break };
        changes.push(Changed {
            status: status.chars().next().unwrap_or('M'),
            path: path_of(path),
            lines: None,
            gitlink: *old == GITLINK || *new == GITLINK,
        });
    }
    let places: HashMap<PathBuf, usize> =
        changes.iter().enumerate().map(|(index, change)| (change.path.clone(), index)).collect();
    for counted in fields {
        let mut parts = counted.splitn(3, |byte| *byte == b'\t');
        let (Some(added), Some(removed), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse().ok();
        if let Some(change) = places.get(&path_of(path)).and_then(|index| changes.get_mut(*index)) {
            change.lines = number(added).zip(number(removed));
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_and_counted_lines_are_joined() {
        let fields = [
            ":100644 100644 aaa bbb M",
            "src/lib.rs",
            ":000000 160000 000 ccc A",
            "sub",
            ":100644 000000 d 0 D",
            "a\tb",
            "3\t1\tsrc/lib.rs",
            "1\t0\tsub",
            "-\t-\ta\tb",
        ];
        let changes = parse_changes(fields.into_iter().map(str::as_bytes));
        assert_eq!(changes[0].row(), "M src/lib.rs +3 -1");
        assert!(changes[1].gitlink && !changes[0].gitlink);
        assert_eq!(changes[2].row(), r"D a\x09b binary");
    }
}
