//! What a commit of the worktree would hold, worked out beside the repository's own index.
//!
//! Submodules are left as they are: looking into one would obey the configuration in it, which an agent can write.

use std::collections::HashMap;
use std::path::Path;

use super::change;
use super::program::Git;
use super::repository::Repository;
use super::repository::failure;
use crate::domain::FailureKind;
use crate::domain::Output;
use crate::domain::ToolResult;
use crate::domain::Untrusted;
use crate::tools::files::TEMPORARY_PREFIX;

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
    pub path: String,
    /// Lines added and removed; `None` for binary files.
    pub lines: Option<(usize, usize)>,
    pub gitlink: bool,
}

impl Changed {
    /// `M src/lib.rs +3 -1`.
    pub fn row(&self) -> String {
        let path = Untrusted::from(self.path.as_str());
        let lines = self.lines.map_or_else(|| "binary".to_owned(), |(added, removed)| format!("+{added} -{removed}"));
        format!("{} {} {lines}", self.status, path.visible())
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
        let links = listed.fields().filter(|entry| entry.starts_with(GITLINK));
        let left_out: Vec<String> = links
            .filter_map(|entry| entry.split_once('\t').map(|(_, path)| format!(":(top,exclude,literal){path}")))
            .chain([format!(":(top,exclude,glob)**/{TEMPORARY_PREFIX}*")])
            .collect();
        let everything = [":(top)".to_owned()].into_iter().chain(left_out);
        let args = ["add", "--all", "--"].map(str::to_owned).into_iter().chain(everything);
        self.git(args).success().await.map(|_| ()).map_err(|error| failure(&error))
    }

    /// What differs between commit or tree `from` and the staged tree.
    pub async fn changes(&self, from: &str) -> Result<Vec<Changed>, ToolResult> {
        let args = ["diff-tree", "-r", "-z", "--raw", "--numstat", "--no-renames", "--no-ext-diff", from, &self.tree];
        let listed = self.git(args).success().await.map_err(|error| failure(&error))?;
        Ok(parse_changes(&listed.fields().collect::<Vec<_>>()))
    }

    /// The same as a unified diff, of one path or of all.
    pub async fn diff(&self, from: &str, path: Option<&Path>) -> Result<Vec<u8>, ToolResult> {
        let mut args = change::arguments(from, &self.tree);
        args.push("--".to_owned());
        args.extend(path.map(|path| format!(":(top,literal){}", path.display())));
        Ok(self.git(args).success().await.map_err(|error| failure(&error))?.stdout)
    }

    /// Refuses what a commit must not hold: other repositories, and files past a filter they were meant to pass.
    pub async fn check(&self, changes: &[Changed]) -> Result<(), ToolResult> {
        if let Some(link) = changes.iter().find(|change| change.gitlink && change.status != 'D') {
            let path = Untrusted::from(link.path.as_str());
            let summary = format!("`{}` is a git repository of its own and cannot be committed", path.visible());
            return Err(ToolResult::failure(FailureKind::Failed, summary));
        }
        let drivers: Vec<&str> = self.repository.filter_drivers().collect();
        if drivers.is_empty() || changes.is_empty() {
            return Ok(());
        }
        let paths: Vec<u8> = changes
            .iter()
            .filter(|change| change.status != 'D')
            .flat_map(|c| [c.path.as_bytes(), b"\0"].concat())
            .collect();
        let asked = self.git(["check-attr", "--cached", "-z", "--stdin", "filter"]).stdin(paths);
        let answers = asked.success().await.map_err(|error| failure(&error))?;
        let fields: Vec<String> = answers.fields().collect();
        let filtered = |answer: &&[String]| drivers.contains(&answer[2].as_str());
        fields.chunks_exact(3).find(filtered).map_or(Ok(()), |answer| Err(past_filter(&answer[0], &answer[2])))
    }
}

fn past_filter(path: &str, filter: &str) -> ToolResult {
    let (path, filter) = (Untrusted::from(path), Untrusted::from(filter));
    let summary = format!("`{}` goes through the git filter `{}`", path.visible(), filter.visible());
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
fn parse_changes(fields: &[String]) -> Vec<Changed> {
    let mut changes = Vec::new();
    let mut fields = fields.iter().peekable();
    while let Some(raw) = fields.next_if(|field| field.starts_with(':')) {
        let parts: Vec<&str> = raw.trim_start_matches(':').split(' ').collect();
        let (Some(path), [old, new, _, _, status]) = (fields.next(), parts.as_slice()) else { break };
        changes.push(Changed {
            status: status.chars().next().unwrap_or('M'),
            path: path.clone(),
            lines: None,
            gitlink: *old == GITLINK || *new == GITLINK,
        });
    }
    let places: HashMap<String, usize> =
        changes.iter().enumerate().map(|(index, change)| (change.path.clone(), index)).collect();
    for counted in fields {
        let mut parts = counted.splitn(3, '\t');
        let (Some(added), Some(removed), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        if let Some(change) = places.get(path).and_then(|index| changes.get_mut(*index)) {
            change.lines = added.parse().ok().zip(removed.parse().ok());
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
        ]
        .map(str::to_owned);
        let changes = parse_changes(&fields);
        assert_eq!(changes[0].row(), "M src/lib.rs +3 -1");
        assert!(changes[1].gitlink && !changes[0].gitlink);
        assert_eq!(changes[2].row(), "D a→b binary");
    }
}
