//! What a confined program may see, change and use: one description for every rung. Plain data and path
//! arithmetic; nothing here applies it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The description both back-ends are built from. What no list names does not exist for the program. There is
/// no network in it because there never is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Confinement {
    /// Trees that may be changed.
    pub writable: Vec<PathBuf>,
    /// Places inside writable trees that may only be read; those that do not exist are ignored.
    pub protected: Vec<PathBuf>,
    /// Trees and files that may be read and executed; those that do not exist are ignored.
    pub readable: Vec<PathBuf>,
    /// Places inside readable trees that do not exist for the program.
    pub hidden: Vec<PathBuf>,
    /// The whole environment, but for HOME and TMPDIR.
    pub env: BTreeMap<String, String>,
    pub limits: ResourceLimits,
}

/// What one call may use. All are for everything it starts together, unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceLimits {
    pub wall_seconds: u64,
    pub output_bytes: u64,
    /// Anonymous and shared memory in use; the same number bounds the data segment of each process.
    pub memory_bytes: u64,
    /// Processes at once, threads not counted.
    pub processes: u32,
    /// Size of each file written.
    pub file_bytes: u64,
    /// Descriptors open in each process.
    pub open_files: u64,
    /// Space on the workspace's file system that must stay free.
    pub free_disk_bytes: u64,
}

const MEBIBYTE: u64 = 1024 * 1024;

impl Default for ResourceLimits {
    /// Enough to build and test a large project on a developer's machine, too little to take it down.
    fn default() -> Self {
        Self {
            wall_seconds: 600,
            output_bytes: 256 * MEBIBYTE,
            memory_bytes: 8 * 1024 * MEBIBYTE,
            processes: 512,
            file_bytes: 4 * 1024 * MEBIBYTE,
            open_files: 8_192,
            free_disk_bytes: 64 * MEBIBYTE,
        }
    }
}

impl Confinement {
    /// Every path made real (no symbolic link in it), what does not exist left out, and the lists checked: a
    /// program must not get to write to `/`, nor to anything hidden.
    pub(super) fn resolved(&self) -> Result<Resolved, String> {
        let mut writable = Vec::new();
        for path in &self.writable {
            let real = fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()))?;
            if real.parent().is_none() {
                return Err("the file system's root cannot be a workspace".to_owned());
            }
            writable.push(real);
        }
        let hidden = real_paths(&self.hidden);
        if let Some(secret) = hidden.iter().find(|hidden| writable.iter().any(|tree| *hidden == tree)) {
            return Err(format!("{}: a hidden place cannot be a workspace", secret.display()));
        }
        let mut readable = real_paths(&self.readable);
        readable.retain(|path| !hidden.iter().any(|hidden| path.starts_with(hidden)));
        // Protection is for what is really there: a symbolic link's target is protected where it lies.
        let protected: Vec<_> = self.protected.iter().filter(|path| is_file_or_directory(path)).cloned().collect();
        let aliases = self.aliases(&readable, &writable);
        let (env, limits) = (self.env.clone(), self.limits);
        Ok(Resolved { writable, protected: real_paths(&protected), readable, hidden, aliases, env, limits })
    }

    /// Names that lead to a tree through a symbolic link and would not exist in a new file system.
    fn aliases(&self, readable: &[PathBuf], writable: &[PathBuf]) -> Vec<Alias> {
        let visible = |path: &Path| readable.iter().chain(writable).any(|tree| path.starts_with(tree));
        let mut aliases = Vec::new();
        for name in self.readable.iter().chain(&self.writable) {
            let Ok(target) = fs::canonicalize(name) else { continue };
            if target != *name && visible(&target) && !visible(name) {
                aliases.push(Alias { name: name.clone(), target });
            }
        }
        aliases.sort();
        aliases.dedup();
        aliases
    }
}

/// A confinement with paths as a back-end needs them: sorted, so that a tree comes before what is inside it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Resolved {
    pub writable: Vec<PathBuf>,
    pub protected: Vec<PathBuf>,
    pub readable: Vec<PathBuf>,
    pub hidden: Vec<PathBuf>,
    pub aliases: Vec<Alias>,
    pub env: BTreeMap<String, String>,
    pub limits: ResourceLimits,
}

/// Another name of a visible tree, such as `/bin` for `/usr/bin`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Alias {
    pub name: PathBuf,
    pub target: PathBuf,
}

impl Resolved {
    /// Readable paths for a back-end that cannot subtract: trees that hold something hidden are replaced by their
    /// children, level by level. Symbolic links are skipped; what they point to is readable in its own right or
    /// not at all.
    pub fn readable_without_hidden(&self) -> Vec<PathBuf> {
        let mut granted = Vec::new();
        let mut waiting = self.readable.clone();
        while let Some(path) = waiting.pop() {
            if self.hidden.iter().any(|hidden| path.starts_with(hidden)) {
                continue;
            }
            if !self.hidden.iter().any(|hidden| hidden.starts_with(&path)) {
                granted.push(path);
                continue;
            }
            let Ok(children) = fs::read_dir(&path) else { continue };
            let real = children.flatten().map(|child| child.path()).filter(|child| !child.is_symlink());
            waiting.extend(real);
        }
        granted.sort();
        granted
    }

    /// Hidden places that would otherwise be visible.
    pub fn hidden_in_readable(&self) -> impl Iterator<Item = &PathBuf> {
        self.hidden.iter().filter(|hidden| self.readable.iter().any(|tree| hidden.starts_with(tree)))
    }
}

/// The real paths of those that exist, sorted, each once.
fn real_paths(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut real: Vec<_> = paths.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
    real.sort();
    real.dedup();
    real
}

fn is_file_or_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir() || found.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(root: &Path) -> Confinement {
        Confinement {
            writable: vec![root.join("work")],
            protected: vec![root.join("work/.git")],
            readable: vec![root.join("etc"), root.join("missing")],
            hidden: vec![root.join("etc/ssl/private")],
            env: BTreeMap::new(),
            limits: ResourceLimits::default(),
        }
    }

    fn tree() -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        for directory in ["work/.git", "etc/ssl/private", "etc/ssl/certs", "etc/ssh"] {
            fs::create_dir_all(tree.path().join(directory)).unwrap();
        }
        fs::write(tree.path().join("etc/passwd"), "").unwrap();
        std::os::unix::fs::symlink("/root", tree.path().join("etc/link")).unwrap();
        tree
    }

    #[test]
    fn a_tree_with_something_hidden_is_split_around_it() {
        let tree = tree();
        let root = tree.path().canonicalize().unwrap();
        let granted = describe(&root).resolved().unwrap().readable_without_hidden();
        let expected = ["etc/passwd", "etc/ssh", "etc/ssl/certs"].map(|path| root.join(path));
        assert_eq!(granted, expected);
    }

    #[test]
    fn what_does_not_exist_is_left_out_but_a_missing_workspace_is_an_error() {
        let tree = tree();
        let root = tree.path().canonicalize().unwrap();
        let mut described = describe(&root);
        let resolved = described.resolved().unwrap();
        assert_eq!(resolved.readable, [root.join("etc")]);
        assert_eq!(resolved.protected, [root.join("work/.git")]);
        described.writable = vec![root.join("nowhere")];
        assert!(described.resolved().unwrap_err().contains("nowhere"));
    }

    #[test]
    fn neither_the_root_nor_a_secret_can_be_a_workspace() {
        let tree = tree();
        let mut described = describe(tree.path());
        described.writable = vec![PathBuf::from("/")];
        assert!(described.resolved().unwrap_err().contains("root"));
        described.writable = vec![tree.path().join("etc/ssl/private")];
        assert!(described.resolved().unwrap_err().contains("hidden"));
    }
}
