//! What a commit of the worktree would hold, worked out beside the repository's own index.
//!
//! Submodules are left as they are: looking into one would obey the configuration in it, which an agent can write.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::attributes::heeding;
use super::change;
use super::program::{Git, GitError};
use super::repository::{ATTRIBUTES, Repository, failure};
use crate::domain::{FailureKind, Output, ToolResult};
use crate::tools::files::TEMPORARY_PREFIX;
use crate::tools::names;

/// Mode of an entry that is another repository.
const GITLINK: &str = "160000";
/// Names the index a command works on.
const INDEX: &str = "GIT_INDEX_FILE";

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
    env: Vec<(&'static str, OsString)>,
    /// Holds index and objects of a dry run; gone with it.
    scratch: tempfile::TempDir,
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
        let mut env = vec![(INDEX, index.clone().into_os_string())];
        let known = repository.objects().await?;
        match objects {
            Objects::Scratch => {
                let store = scratch.path().join("objects");
                std::fs::create_dir(&store).map_err(io_failure)?;
                env.push(("GIT_OBJECT_DIRECTORY", store.into_os_string()));
                env.push(("GIT_ALTERNATE_OBJECT_DIRECTORIES", quoted(&known)));
            }
            Objects::Kept => env.push(("GIT_OBJECT_DIRECTORY", known.into_os_string())),
        }
        let mut staging = Self { repository, tree: String::new(), env, scratch, index };
        staging.add().await?;
        let written = staging.git(["write-tree"]).success().await.map_err(|error| failure(&error))?;
        staging.tree = written.text();
        Ok(staging)
    }

    pub fn git<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Git {
        self.env.iter().fold(self.repository.git(args), |git, (name, value)| git.env(*name, value))
    }

    /// The same for commits and trees alone.
    pub fn trees<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Git {
        let env = self.env.iter().filter(|(name, _)| *name != INDEX);
        env.fold(self.repository.trees(args), |git, (name, value)| git.env(*name, value))
    }

    async fn add(&self) -> Result<(), ToolResult> {
        let listed = self.git(["ls-files", "-z", "--stage"]).success().await.map_err(|error| failure(&error))?;
        let links = listed.fields().filter_map(|entry| gitlink(entry.as_bytes()));
        let left_out = links.map(|path| pathspec(":(top,exclude,literal)", path));
        let temporary = OsString::from(format!(":(top,exclude,glob)**/{TEMPORARY_PREFIX}*"));
        // Files beyond a sparse checkout are no reason to refuse what an agent wrote there.
        let args = ["add", "--all", "--sparse", "--", ":(top)"].map(OsString::from);
        let args: Vec<OsString> = args.into_iter().chain(left_out).chain([temporary]).collect();
        let add = async |attributes| {
            let adding = heeding(self.repository, self.git(&args), attributes, self.scratch.path()).await?;
            adding.success().await
        };
        let added = match add(self.repository.base.as_deref()).await {
            // What attributes ask for cannot be done with a file's content: it is taken as it is.
            Err(GitError::Failed { .. }) => add(None).await,
            added => added,
        };
        added.map(|_| ()).map_err(|error| failure(&error))
    }

    /// What differs between commit or tree `from` and the staged tree.
    pub async fn changes(&self, from: &str) -> Result<Vec<Changed>, ToolResult> {
        let args = ["diff-tree", "-r", "-z", "--raw", "--numstat", "--no-renames", "--no-ext-diff", from, &self.tree];
        let listed = self.trees(args).success().await.map_err(|error| failure(&error))?;
        Ok(parse_changes(listed.fields()))
    }

    /// The same as a unified diff, of one path or of all.
    pub async fn diff(&self, from: &str, path: Option<&Path>) -> Result<Vec<u8>, ToolResult> {
        let args = change::arguments(from, &self.tree).into_iter().map(OsString::from).chain(["--".into()]);
        let args = args.chain(path.map(|path| pathspec(":(top,literal)", path)));
        let printed = self.trees(args).success().await.map_err(|error| failure(&error))?.stdout;
        Ok(change::with_names(&printed))
    }

    /// Refuses what a commit must not hold: other repositories, and files past a filter they were meant to pass.
    pub async fn check(&self, changes: &[Changed]) -> Result<(), ToolResult> {
        if let Some(link) = changes.iter().find(|change| change.gitlink && change.status != 'D') {
            let path = names::written(&link.path);
            let summary = format!("`{path}` is a separate git repository and cannot be committed");
            return Err(ToolResult::failure(FailureKind::Failed, summary));
        }
        let drivers = self.repository.filter_drivers();
        if drivers.is_empty() || changes.is_empty() {
            return Ok(());
        }
        let kept = changes.iter().filter(|change| change.status != 'D');
        let paths = kept.flat_map(|change| [change.path.as_os_str().as_bytes(), b"\0"].concat()).collect();
        // Here the attributes of the commit to be are meant: a checkout of it runs the filter.
        let asked = self.git(["check-attr", "--cached", "-z", "--stdin", "filter"]).without_env(ATTRIBUTES);
        let answers = asked.stdin(paths).success().await.map_err(|error| failure(&error))?;
        let fields: Vec<&OsStr> = answers.fields().collect();
        let filtered = |answer: &&[&OsStr]| drivers.iter().any(|driver| driver == answer[2]);
        fields.chunks_exact(3).find(filtered).map_or(Ok(()), |answer| Err(past_filter(answer[0], answer[2])))
    }
}

/// The path of an entry that is another repository: `160000 3f… 0\tvendor/lib`.
pub fn gitlink(entry: &[u8]) -> Option<&Path> {
    let rest = entry.strip_prefix(GITLINK.as_bytes())?;
    let at = rest.iter().position(|byte| *byte == b'\t')?;
    Some(Path::new(OsStr::from_bytes(&rest[at + 1..])))
}

fn pathspec(magic: &str, path: &Path) -> OsString {
    [OsStr::new(magic), path.as_os_str()].into_iter().collect()
}

/// A directory as git takes it in a list of directories: at a colon the list would go on.
fn quoted(directory: &Path) -> OsString {
    let mut quoted = OsString::from("\"");
    for byte in directory.as_os_str().as_bytes() {
        if matches!(byte, b'"' | b'\\') {
            quoted.push("\\");
        }
        quoted.push(OsStr::from_bytes(&[*byte]));
    }
    quoted.push("\"");
    quoted
}

fn past_filter(path: &OsStr, filter: &OsStr) -> ToolResult {
    let (path, filter) = (names::written(Path::new(path)), filter.to_string_lossy());
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

/// Reads `--raw --numstat -z`: `:100644 100644 aaa bbb M`, path, …, then `3\t1\tpath`, ….
fn parse_changes<'a>(fields: impl Iterator<Item = &'a OsStr>) -> Vec<Changed> {
    let mut changes = Vec::new();
    let mut fields = fields.peekable();
    while let Some(raw) = fields.next_if(|field| field.as_bytes().starts_with(b":")) {
        let raw = raw.to_string_lossy();
        let parts: Vec<&str> = raw.trim_start_matches(':').split(' ').collect();
        let (Some(path), [old, new, _, _, status]) = (fields.next(), parts.as_slice()) else { break };
        changes.push(Changed {
            status: status.chars().next().unwrap_or('M'),
            path: path.into(),
            lines: None,
            gitlink: *old == GITLINK || *new == GITLINK,
        });
    }
    let places: HashMap<PathBuf, usize> =
        changes.iter().enumerate().map(|(index, change)| (change.path.clone(), index)).collect();
    for counted in fields {
        let mut parts = counted.as_bytes().splitn(3, |byte| *byte == b'\t');
        let (Some(added), Some(removed), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse().ok();
        if let Some(change) = places.get(Path::new(OsStr::from_bytes(path))).and_then(|index| changes.get_mut(*index)) {
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
        let changes = parse_changes(fields.iter().map(OsStr::new));
        assert_eq!(changes[0].row(), "M src/lib.rs +3 -1");
        assert!(changes[1].gitlink && !changes[0].gitlink);
        assert_eq!(changes[2].row(), r"D a\x09b binary");
    }
}
