//! Directories for what is not whole yet, beside the place where it is to go: a backup that is being written, one that
//! is being tried.
//!
//! A process that is killed leaves its directory behind. The next one made in the same place removes those that
//! no living process holds, which the kernel knows: a lock ends with the process that took it. Of a directory left behind
//! only files with names of ours are removed, so whatever somebody else put there stays, and the directory with it.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::{fs, io};

use rustix::fs::{AtFlags, OFlags, unlinkat};
use tempfile::TempDir;

/// Unlike what anybody calls a directory of their own.
const PREFIX: &str = ".morningai-unfinished-";

/// What the names of our files in it begin with: the stores, with what SQLite and the saved heads keep beside them.
const OURS: [&str; 4] = ["store.db", "backup.db", ".store-", ".head-"];

/// How often somebody who cleans up may be faster than we are.
const TRIES: usize = 100;

/// A directory that only its owner may enter. Dropped, it is removed with all that is in it.
#[derive(Debug)]
pub struct Scratch {
    directory: TempDir,
    /// Says that it is in use; let go of after the directory is gone.
    _lock: File,
}

impl Scratch {
    /// A new one in `place`; those that were left there are removed first.
    pub fn within(place: &Path) -> io::Result<Self> {
        sweep(place);
        for _ in 0..TRIES {
            let mut builder = tempfile::Builder::new();
            let directory = builder.prefix(PREFIX).permissions(Permissions::from_mode(0o700)).tempdir_in(place)?;
            let lock = match open(directory.path()) {
                // Another clean-up was faster than our lock.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            let is_held = match lock.try_lock() {
                Ok(()) => is_still_there(&lock, directory.path()),
                Err(TryLockError::WouldBlock) => false,
                // A file system without locks: nobody can take one to clean up there either.
                Err(TryLockError::Error(_)) => true,
            };
            if is_held {
                return Ok(Self { directory, _lock: lock });
            }
        }
        Err(io::Error::other("a directory made for it is removed again and again"))
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Removes what was left. What cannot be removed is in nobody's way.
fn sweep(place: &Path) {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| is_named(&entry.file_name(), &[PREFIX])) {
        let path = entry.path();
        match remove_left(&path) {
            Ok(Left::InUse) => {}
            Ok(Left::Removed) => tracing::info!(path = %path.display(), "removed what a killed process left"),
            Err(error) => tracing::debug!(path = %path.display(), %error, "what a process left stays"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Removed,
    InUse,
}

fn remove_left(path: &Path) -> io::Result<Left> {
    let lock = open(path)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Left::InUse),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if is_named(&name, &OURS) {
            // In the directory that is locked, whatever has its name by now.
            unlinkat(&lock, name, AtFlags::empty())?;
        }
    }
    fs::remove_dir(path)?;
    Ok(Left::Removed)
}

/// A directory itself, and nothing that a link leads to.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path)
}

/// Whether the path leads to what was opened.
fn is_still_there(opened: &File, path: &Path) -> bool {
    let place = |found: fs::Metadata| (found.dev(), found.ino());
    let (held, named) = (opened.metadata().map(place), fs::symlink_metadata(path).map(place));
    matches!((held, named), (Ok(held), Ok(named)) if held == named)
}

fn is_named(name: &OsStr, beginnings: &[&str]) -> bool {
    name.to_str().is_some_and(|name| beginnings.iter().any(|beginning| name.starts_with(beginning)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(place: &Path) -> Vec<String> {
        let names = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn one_in_use_stays_and_one_left_behind_goes() {
        let place = tempfile::tempdir().unwrap();
        let used = Scratch::within(place.path()).unwrap();
        fs::write(used.path().join("store.db"), "ours").unwrap();
        let left = place.path().join(format!("{PREFIX}left"));
        fs::create_dir(&left).unwrap();
        for name in ["store.db", "store.db-wal", "backup.db", ".head-x"] {
            fs::write(left.join(name), "half").unwrap();
        }
        let next = Scratch::within(place.path()).unwrap();
        assert!(used.path().join("store.db").exists() && next.path().exists() && !left.exists());
        assert_eq!(fs::metadata(next.path()).unwrap().permissions().mode() & 0o777, 0o700);
        drop((used, next));
        assert_eq!(entries(place.path()), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_ours_is_not_removed() {
        let place = tempfile::tempdir().unwrap();
        let theirs = place.path().join("theirs");
        fs::create_dir(&theirs).unwrap();
        fs::write(theirs.join("store.db"), "theirs").unwrap();
        let left = place.path().join(format!("{PREFIX}left"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join("letters"), "theirs").unwrap();
        std::os::unix::fs::symlink(&theirs, place.path().join(format!("{PREFIX}link"))).unwrap();
        drop(Scratch::within(place.path()).unwrap());
        assert!(left.join("letters").exists() && theirs.join("store.db").exists());
        assert_eq!(entries(place.path()).len(), 3);
    }
}
