//! Repositories that a confined program leaves in a workspace: found when it has ended, and moved to where no git obeys
//! them. A git that anybody runs there later would run the programs that such a repository's configuration names.
//!
//! What is moved comes to lie beside the workspace, where nothing confined can write, and is made useless as well.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::domain::Workspace;
use crate::ports::ToolContext;
use crate::tools::git::Repository;
use crate::tools::git::layout::{Layout, is_git_name};
use crate::tools::names;

use super::scratch::scratch_of;

/// Added to the name of what is set aside, and of the directory beside the workspace that holds it.
const SUFFIX: &str = "set-aside";
/// Repositories that a report names one by one.
const MOST_NAMED: usize = 5;
/// What git obeys in a directory that is laid out as a repository.
const OBEYED_IN_BARE: [&str; 7] = ["HEAD", "config", "config.worktree", "commondir", "hooks", "info", "objects/info"];
/// Longest path that a sentence has whole, in characters.
const LONGEST_NAMED: usize = 120;

/// What stood in the workspace before a program ran.
#[derive(Debug)]
pub struct Before {
    workspace: Workspace,
    /// In a plain directory, repositories of the user's own.
    known: HashSet<PathBuf>,
}

/// What became of repositories left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Below the workspace, as they were found.
    pub moved: Vec<PathBuf>,
    /// Still there, and why.
    pub stuck: Vec<(PathBuf, String)>,
}

/// Something that git takes for a repository, below the directory that was searched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Found {
    /// What must go: a `.git`, or the `HEAD` without which a directory is no repository.
    path: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    DotGit,
    /// Git obeys a directory with `HEAD`, `objects` and `refs` in it when it is run there.
    Bare,
}

impl Before {
    /// Looks around before a program starts. In a worktree every `.git` is an agent's, for its own lies elsewhere.
    pub async fn of(workspace: &Workspace) -> Self {
        let root = PathBuf::from(&workspace.root);
        let known = match &workspace.git_dir {
            Some(_) => HashSet::new(),
            None => {
                blocking(move || search(&root, Depth::AllButGit).0).await.into_iter().map(|found| found.path).collect()
            }
        };
        Self { workspace: workspace.clone(), known }
    }

    /// A place that was made for one run, before anything ran in it; `None` for a directory of the user's own.
    pub fn of_run(context: &ToolContext) -> Option<Self> {
        let workspace = context.workspace.clone()?;
        let is_ours = workspace.git_dir.is_some() || Path::new(&workspace.root).ends_with(scratch_of(context.run));
        is_ours.then(|| Self { workspace, known: HashSet::new() })
    }

    /// Sets aside what has appeared since. Nothing confined may run in the workspace any more.
    pub async fn sweep(self) -> Leftovers {
        let root = PathBuf::from(&self.workspace.root);
        let searched = root.clone();
        let (found, unseen) = blocking(move || search(&searched, Depth::AllButGit)).await;
        let mut appeared = Vec::new();
        for found in found {
            // One that came with the commit may have been changed since, whether or not this program did it.
            let may_stay = match (found.kind, &self.workspace.git_dir) {
                (Kind::Bare, Some(_)) => self.is_committed(&found).await,
                (_, _) => self.known.contains(&found.path),
            };
            if !may_stay {
                appeared.push(found);
            }
        }
        let mut leftovers = blocking(move || set_aside(&root, appeared)).await;
        leftovers.stuck.extend(unseen);
        leftovers
    }

    /// Whether it came with the commit the run began at. A `.git` cannot.
    async fn is_committed(&self, found: &Found) -> bool {
        let (Kind::Bare, Some(base), Some(_)) = (found.kind, &self.workspace.base, &self.workspace.git_dir) else {
            return false;
        };
        let Ok(repository) = Repository::open(&self.workspace, &Default::default()).await else { return false };
        let place = found.path.parent().unwrap_or(Path::new(""));
        let paths: Vec<PathBuf> = OBEYED_IN_BARE.iter().map(|name| place.join(name)).collect();
        let asked = |args: &[&str], paths: &[PathBuf]| {
            let args: Vec<&OsStr> =
                args.iter().map(OsStr::new).chain(paths.iter().map(|path| path.as_os_str())).collect();
            repository.git(args).run()
        };
        let head = std::slice::from_ref(&found.path);
        let listed = asked(&["ls-tree", "-z", "--full-tree", base, "--"], head).await;
        let changed = asked(&["diff", "--no-ext-diff", "--name-only", "-z", base, "--"], &paths).await;
        let added = asked(&["ls-files", "--others", "-z", "--"], &paths).await;
        // One that was changed since may obey the program that changed it.
        listed.is_ok_and(|ran| !ran.stdout.is_empty())
            && [changed, added].into_iter().all(|ran| ran.is_ok_and(|ran| ran.stdout.is_empty()))
    }
}

impl Leftovers {
    /// For people and models; `None` when there was nothing.
    pub fn told(&self) -> Option<String> {
        let named = |path: &Path| format!("`{}`", shortened(&names::written(path)));
        let mut parts = Vec::new();
        if !self.moved.is_empty() {
            let names: Vec<String> = self.moved.iter().take(MOST_NAMED).map(|path| named(path)).collect();
            let more = self.moved.len() - names.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            parts.push(format!("moved aside, because git would follow it: {}{more}", names.join(", ")));
        }
        for (path, why) in self.stuck.iter().take(MOST_NAMED) {
            parts.push(format!("DO NOT RUN GIT in this workspace: {} could not be set aside ({why})", named(path)));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// The ends of a path that is too long for a sentence.
fn shortened(path: &str) -> String {
    let length = path.chars().count();
    if length <= LONGEST_NAMED {
        return path.to_owned();
    }
    let head: String = path.chars().take(LONGEST_NAMED / 2).collect();
    let tail: String = path.chars().skip(length - LONGEST_NAMED / 2).collect();
    format!("{head}…{tail}")
}

/// Where a search goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Not into a `.git`, which is moved as a whole.
    AllButGit,
    All,
}

/// Finds repositories below a directory, following no links, and what could not be looked into.
fn search(root: &Path, depth: Depth) -> (Vec<Found>, Vec<(PathBuf, String)>) {
    let (mut found, mut unseen) = (Vec::new(), Vec::new());
    let mut waiting = vec![PathBuf::new()];
    while let Some(directory) = waiting.pop() {
        let entries = match open(&root.join(&directory)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                unseen.push((directory, error.to_string()));
                continue;
            }
        };
        let mut layout = Layout::default();
        for entry in entries.flatten() {
            let (name, path) = (entry.file_name(), directory.join(entry.file_name()));
            let is_git = is_git_name(&name);
            if is_git {
                found.push(Found { path: path.clone(), kind: Kind::DotGit });
            }
            layout.see(&name);
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_directory && (depth == Depth::All || !is_git) {
                waiting.push(path);
            }
        }
        if layout.is_repository() {
            found.extend(layout.head.map(|head| Found { path: directory.join(head), kind: Kind::Bare }));
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    (found, unseen)
}

/// Opens a directory, also one that a program has closed to its owner.
fn open(directory: &Path) -> io::Result<fs::ReadDir> {
    match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let mode = fs::metadata(directory)?.permissions().mode() | 0o700;
            fs::set_permissions(directory, fs::Permissions::from_mode(mode))?;
            fs::read_dir(directory)
        }
        opened => opened,
    }
}

fn set_aside(root: &Path, found: Vec<Found>) -> Leftovers {
    let mut leftovers = Leftovers::default();
    for found in found {
        match set_one_aside(root, &found.path) {
            Ok(()) => leftovers.moved.push(found.path),
            Err(error) => leftovers.stuck.push((found.path, error.to_string())),
        }
    }
    leftovers
}

fn set_one_aside(root: &Path, path: &Path) -> io::Result<()> {
    let from = root.join(path);
    let beside = beside(root);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&beside)?;
    let number = fs::read_dir(&beside)?.count() + 1;
    let to = beside.join(format!("{number}-{}", flat(path)));
    for closed in [from.parent(), Some(from.as_path())].into_iter().flatten() {
        if fs::symlink_metadata(closed)?.is_dir() {
            drop(open(closed)?);
            fs::set_permissions(
                closed,
                fs::Permissions::from_mode(fs::metadata(closed)?.permissions().mode() | 0o700),
            )?;
        }
    }
    fs::rename(&from, &to)?;
    defuse(&to)
}

/// The directory beside a workspace for what is set aside.
pub(super) fn beside(root: &Path) -> PathBuf {
    let mut name = root.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{SUFFIX}"));
    root.with_file_name(name)
}

/// A path as a name that says where it was.
fn flat(path: &Path) -> String {
    let text = path.to_string_lossy().replace(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-'), "_");
    crate::tools::output::shorten(&text, 100).to_owned()
}

/// Renames what makes a directory, or any in it, a repository: somebody may look into it by hand.
fn defuse(directory: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(directory)?.is_dir() {
        return Ok(());
    }
    let (found, unseen) = search(directory, Depth::All);
    // From the bottom up, so that the names above are still right.
    for found in found.iter().rev() {
        let mut name = found.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{SUFFIX}"));
        fs::rename(directory.join(&found.path), directory.join(found.path.with_file_name(name)))?;
    }
    unseen.into_iter().next().map_or(Ok(()), |(_, why)| Err(io::Error::other(why)))
}

async fn blocking<T: Default + Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a workspace could not be searched for repositories");
        T::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everything_a_program_hides_is_found_and_defused() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("work");
        fs::create_dir_all(root.join("mine/.git")).unwrap();
        let text = |path: &Path| path.display().to_string();
        let workspace = Workspace { root: text(&root), ..Workspace::default() };
        let before = Before::of(&workspace).await;
        for directory in
            ["a/.git/modules/m/objects", "a/.git/modules/m/refs", "bare/objects", "bare/refs", "closed/.git"]
        {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        fs::write(root.join("a/.git/modules/m/HEAD"), "ref: refs/heads/x").unwrap();
        fs::write(root.join("bare/HEAD"), "ref: refs/heads/x").unwrap();
        fs::write(root.join("a/.GIT"), "gitdir: elsewhere").unwrap();
        std::os::unix::fs::symlink("a/.git", root.join(".git")).unwrap();
        fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
        let leftovers = before.sweep().await;
        let moved: Vec<_> = leftovers.moved.iter().map(|path| text(path)).collect();
        assert_eq!(moved, [".git", "a/.GIT", "a/.git", "bare/HEAD", "closed/.git"]);
        assert_eq!(leftovers.stuck, []);
        let told = leftovers.told().unwrap();
        assert!(told.starts_with("moved aside, because git would follow it: `.git`, `a/.GIT`"), "{told}");
        let odd = Leftovers { moved: vec!["⟨\n/.git".into()], stuck: Vec::new() };
        assert!(odd.told().unwrap().ends_with(r": `⟨\x0a/.git`"), "as tools take it");
        assert!(root.join("mine/.git").exists(), "what was there before is left alone");
        assert_eq!(search(outer.path(), Depth::All).0.len(), 1, "what was set aside is no repository either");
    }
}
