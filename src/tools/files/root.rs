//! The workspace directory as a capability: every file a tool touches is reached through it and stays below it.
//!
//! A path is resolved once, symbolic links included, and checked. From then on it is walked from the open directory
//! one component at a time without following any link, so whatever is swapped in meanwhile is an error, not an escape.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat};

use crate::domain::{FailureKind, ToolResult, Untrusted};
use crate::ports::ToolContext;
use crate::tools::git::layout::{is_git_name, would_be_repository};
use crate::tools::names;

/// Largest file that is read whole, for an edit or a comparison.
pub const LARGEST_WHOLE: u64 = 16 * 1024 * 1024;

/// An open workspace.
pub struct Root {
    dir: OwnedFd,
    path: PathBuf,
}

/// A checked path below the root: no link, no `..`, no `.git` in it. Empty for the root itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(PathBuf);

/// Whether a link in the last component is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastLink {
    Follow,
    /// The link itself is meant, as when it is to be deleted.
    Keep,
}

/// Whether missing directories on the way are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    IsError,
    Create,
}

/// A regular file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub bytes: Vec<u8>,
    pub mode: u32,
}

impl Place {
    /// As a call gives it: relative to the workspace, `.` for the workspace itself.
    pub fn shown(&self) -> String {
        if self.0.as_os_str().is_empty() { ".".to_owned() } else { names::written(&self.0) }
    }

    pub fn target(&self) -> Untrusted {
        Untrusted::new(self.shown())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn is_root(&self) -> bool {
        self.0.as_os_str().is_empty()
    }
}

impl Root {
    /// Opens the workspace of a run.
    pub fn of(context: &ToolContext) -> Result<Self, ToolResult> {
        let Some(workspace) = &context.workspace else {
            return Err(ToolResult::failure(FailureKind::Failed, "this run has no workspace, so it has no files"));
        };
        Self::open(Path::new(&workspace.root)).map_err(|error| {
            ToolResult::failure(
                FailureKind::Failed,
                format!("the workspace {} cannot be opened: {error}", workspace.root),
            )
        })
    }

    pub fn open(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let dir = rustix::fs::open(&path, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { dir, path })
    }

    /// Absolute path of the root, without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Absolute path of a place, for libraries that take nothing else. What they find there is opened by `open_file`.
    pub fn absolute(&self, place: &Place) -> PathBuf {
        self.path.join(&place.0)
    }

    /// Checks and resolves what a call gave as a path. It need not exist.
    pub fn resolve(&self, given: &str, last: LastLink) -> Result<Place, ToolResult> {
        let wanted = self.lexical(given)?;
        let (follow, kept) = match (last, wanted.parent(), wanted.file_name()) {
            (LastLink::Keep, Some(parent), Some(name)) => (parent.to_owned(), Some(name.to_owned())),
            _ => (wanted, None),
        };
        let mut resolved = self.follow(given, &follow)?;
        resolved.extend(kept);
        check_git(given, &resolved)?;
        if let Some(directory) = would_be_repository(&self.path, &resolved) {
            let directory = Place(directory).target();
            let why = format!("would make `{}` a directory that git takes for a repository", directory.raw());
            return Err(refused(given, &why));
        }
        Ok(Place(resolved))
    }

    /// The place of a file that a walk below the root found.
    pub fn found(&self, path: &Path) -> Option<Place> {
        path.strip_prefix(&self.path).ok().map(|below| Place(below.to_owned()))
    }

    /// The path below the root by its letters alone.
    fn lexical(&self, given: &str) -> Result<PathBuf, ToolResult> {
        let path = names::read(given);
        if given.is_empty() || path.as_os_str().as_bytes().contains(&0) {
            return Err(refused(given, "is not a path"));
        }
        // Models often repeat the absolute path they were told; inside the workspace it means the same.
        let below = path.strip_prefix(&self.path).unwrap_or(&path);
        let mut parts = PathBuf::new();
        for component in below.components() {
            match component {
                Component::Normal(name) => parts.push(name),
                Component::CurDir => {}
                Component::ParentDir => return Err(refused(given, "contains `..`; give it from the workspace's top")),
                Component::RootDir | Component::Prefix(_) => return Err(refused(given, "is outside the workspace")),
            }
        }
        check_git(given, &parts)?;
        Ok(parts)
    }

    /// Follows the links of as much of `wanted` as exists.
    fn follow(&self, given: &str, wanted: &Path) -> Result<PathBuf, ToolResult> {
        for existing in wanted.ancestors() {
            let absolute = self.path.join(existing);
            if std::fs::symlink_metadata(&absolute).is_err() {
                continue;
            }
            let real =
                absolute.canonicalize().map_err(|error| refused(given, &format!("is a broken link: {error}")))?;
            let Ok(below) = real.strip_prefix(&self.path) else {
                return Err(refused(given, "leads outside the workspace through a symbolic link"));
            };
            let rest = wanted.strip_prefix(existing).unwrap_or(Path::new(""));
            // `join("")` would add a slash that makes a file look like a directory.
            return Ok(if rest.as_os_str().is_empty() { below.to_owned() } else { below.join(rest) });
        }
        Ok(wanted.to_owned())
    }

    /// Opens a regular file for reading. Pipes, devices, directories and links are errors.
    pub fn open_file(&self, place: &Place) -> io::Result<File> {
        let (parent, name) = self.parent(place, Missing::IsError)?;
        // Without NONBLOCK a pipe in the tree would hang the reader before it could be refused.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&parent, name, flags, Mode::empty())?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(file)
    }

    /// Reads a whole file; `None` when there is none.
    pub fn read(&self, place: &Place) -> io::Result<Option<Content>> {
        use std::os::unix::fs::PermissionsExt;
        let file = match self.open_file(place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let metadata = file.metadata()?;
        if metadata.len() > LARGEST_WHOLE {
            let problem = format!("larger than {} MiB", LARGEST_WHOLE / 1024 / 1024);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
        }
        let mut bytes = Vec::new();
        // The file may grow meanwhile; one byte past the limit is enough to notice.
        file.take(LARGEST_WHOLE + 1).read_to_end(&mut bytes)?;
        Ok(Some(Content { bytes, mode: metadata.permissions().mode() & 0o7777 }))
    }

    /// Kind and size of what is at a place, links not followed.
    pub fn look(&self, place: &Place) -> io::Result<(FileType, u64)> {
        if place.is_root() {
            return Ok((FileType::Directory, 0));
        }
        let (parent, name) = self.parent(place, Missing::IsError)?;
        let stat = rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok((FileType::from_raw_mode(stat.st_mode), u64::try_from(stat.st_size).unwrap_or(0)))
    }

    /// The open directory a place is in, and its name there.
    pub fn parent<'a>(&self, place: &'a Place, missing: Missing) -> io::Result<(OwnedFd, &'a OsStr)> {
        let name = place.0.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::IsADirectory, "is a directory"))?;
        let mut dir = self.dir.try_clone()?;
        for part in place.0.parent().into_iter().flat_map(Path::iter) {
            dir = step(&dir, part, missing)?;
        }
        Ok((dir, name))
    }
}

/// One directory down, never through a link.
fn step(dir: &OwnedFd, part: &OsStr, missing: Missing) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
    match openat(dir, part, flags, Mode::empty()) {
        Err(rustix::io::Errno::NOENT) if missing == Missing::Create => {
            match rustix::fs::mkdirat(dir, part, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            Ok(openat(dir, part, flags, Mode::empty())?)
        }
        opened => Ok(opened?),
    }
}

/// Nothing reaches into a git directory, not even one that only looks like it on a case-insensitive disk.
fn check_git(given: &str, path: &Path) -> Result<(), ToolResult> {
    if path.iter().any(is_git_name) {
        return Err(refused(given, "is inside a `.git` directory, which the file tools never touch"));
    }
    Ok(())
}

fn refused(given: &str, why: &str) -> ToolResult {
    let given = Untrusted::from(given);
    ToolResult::failure(FailureKind::Refused, format!("`{}` {why}", given.raw()))
}

/// A failed file operation, in words.
pub fn failed(place: &Place, doing: &str, error: &io::Error) -> ToolResult {
    let shown = place.target();
    let why = match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::LOOP) => "it is, or passes through, a symbolic link".to_owned(),
        Some(rustix::io::Errno::NOTDIR) => "part of the path is not a directory".to_owned(),
        _ if error.kind() == io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    };
    ToolResult::failure(FailureKind::Failed, format!("cannot {doing} `{}`: {why}", shown.raw()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree() -> (tempfile::TempDir, Root) {
        let outer = tempfile::tempdir().unwrap();
        let top = outer.path().join("work");
        std::fs::create_dir_all(top.join("src/deep")).unwrap();
        std::fs::create_dir_all(top.join(".git/hooks")).unwrap();
        std::fs::write(top.join("src/lib.rs"), "x").unwrap();
        std::fs::write(outer.path().join("secret"), "s").unwrap();
        std::fs::create_dir(outer.path().join("work-evil")).unwrap();
        let root = Root::open(&top).unwrap();
        (outer, root)
    }

    #[test]
    fn ordinary_paths_resolve() {
        let (_outer, root) = tree();
        let absolute = root.path().join("src/lib.rs");
        for given in ["src/lib.rs", "./src/./lib.rs", "src//lib.rs", absolute.to_str().unwrap()] {
            assert_eq!(root.resolve(given, LastLink::Follow).unwrap().shown(), "src/lib.rs", "{given}");
        }
        assert!(root.resolve(".", LastLink::Follow).unwrap().is_root());
        assert_eq!(root.resolve("new/dir/file", LastLink::Follow).unwrap().shown(), "new/dir/file");
    }

    #[test]
    fn no_path_escapes() {
        let (outer, root) = tree();
        symlink("../secret", root.path().join("out")).unwrap();
        symlink("..", root.path().join("up")).unwrap();
        symlink("/etc", root.path().join("etc")).unwrap();
        symlink(".git", root.path().join("g")).unwrap();
        symlink("up", root.path().join("twice")).unwrap();
        symlink("gone", root.path().join("dangling")).unwrap();
        symlink("loop", root.path().join("loop")).unwrap();
        let sibling = outer.path().join("work-evil/x");
        let corpus = [
            "",
            "..",
            "../secret",
            "src/../../secret",
            "src/../lib.rs",
            "/etc/passwd",
            "/",
            "//etc/passwd",
            "out",
            "up/secret",
            "up/new",
            "etc/passwd",
            "etc/new/file",
            "twice/secret",
            "dangling",
            "dangling/x",
            "loop",
            ".git",
            ".git/config",
            "src/.git/hooks/x",
            ".GIT/config",
            "g/hooks",
            "g/new",
            "a\0b",
            "./../secret",
            r"\x2e\x2e/secret",
            r"\x2egit/config",
            r"\x2fetc/passwd",
            r"..\x2fsecret",
            r"a\x00b",
            sibling.to_str().unwrap(),
        ];
        for given in corpus {
            let resolved = root.resolve(given, LastLink::Follow);
            assert!(resolved.is_err(), "{given:?} became {resolved:?}");
            assert_eq!(resolved.unwrap_err().failure, Some(FailureKind::Refused));
        }
    }

    #[test]
    fn a_link_inside_resolves_to_what_it_names_unless_it_is_meant_itself() {
        let (_outer, root) = tree();
        symlink("src/lib.rs", root.path().join("link")).unwrap();
        symlink("../secret", root.path().join("out")).unwrap();
        assert_eq!(root.resolve("link", LastLink::Follow).unwrap().shown(), "src/lib.rs");
        assert_eq!(root.resolve("link", LastLink::Keep).unwrap().shown(), "link");
        assert_eq!(root.resolve("out", LastLink::Keep).unwrap().shown(), "out");
    }

    #[test]
    fn a_directory_swapped_for_a_link_after_the_check_is_not_followed() {
        let (outer, root) = tree();
        let place = root.resolve("src/lib.rs", LastLink::Follow).unwrap();
        std::fs::rename(root.path().join("src"), root.path().join("moved")).unwrap();
        std::fs::create_dir(outer.path().join("evil")).unwrap();
        std::fs::write(outer.path().join("evil/lib.rs"), "evil").unwrap();
        symlink(outer.path().join("evil"), root.path().join("src")).unwrap();
        assert!(root.read(&place).is_err());
        assert!(root.parent(&place, Missing::Create).is_err());
    }

    #[test]
    fn a_file_swapped_for_a_link_after_the_check_is_not_followed() {
        let (outer, root) = tree();
        let place = root.resolve("src/lib.rs", LastLink::Follow).unwrap();
        std::fs::remove_file(root.path().join("src/lib.rs")).unwrap();
        symlink(outer.path().join("secret"), root.path().join("src/lib.rs")).unwrap();
        let error = root.read(&place).unwrap_err();
        assert_eq!(
            failed(&place, "read", &error).summary.raw(),
            "cannot read `src/lib.rs`: it is, or passes through, a symbolic link"
        );
    }

    #[test]
    fn pipes_are_refused_without_waiting() {
        let (_outer, root) = tree();
        rustix::fs::mknodat(rustix::fs::CWD, root.path().join("pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .unwrap();
        let place = root.resolve("pipe", LastLink::Follow).unwrap();
        assert_eq!(root.open_file(&place).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
