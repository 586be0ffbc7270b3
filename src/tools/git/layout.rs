//! How git knows a repository: by a name, or by what lies in a directory.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Whether git takes a name for that of a repository, also on disks that know no case or drop what cannot be seen.
pub fn is_git_name(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let plain: String = name.chars().filter(|c| !is_ignored_by_disks(*c)).collect();
    plain.eq_ignore_ascii_case(".git") || name.eq_ignore_ascii_case("git~1")
}

/// What HFS+ leaves out when it compares names, as git itself has it.
fn is_ignored_by_disks(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// The name under which a file below `path` would make one of its directories a repository, if it would.
pub fn would_be_repository(root: &Path, path: &Path) -> Option<PathBuf> {
    let mut directory = PathBuf::new();
    for part in path.iter() {
        let mut layout = Layout::default();
        layout.see(part);
        if !layout.is_begun() {
            directory.push(part);
            continue;
        }
        let names = fs::read_dir(root.join(&directory)).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let mut layout = Layout::default();
        names.for_each(|name| layout.see(&name));
        let was = layout.is_repository();
        layout.see(part);
        if !was && layout.is_repository() {
            return Some(directory);
        }
        directory.push(part);
    }
    None
}

/// The names in a directory by which git knows a repository.
#[derive(Default)]
pub struct Layout {
    pub head: Option<std::ffi::OsString>,
    objects: bool,
    refs: bool,
    /// Says that objects and refs are elsewhere.
    common: bool,
}

impl Layout {
    pub fn see(&mut self, name: &OsStr) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("HEAD") {
            self.head = Some(name.to_owned());
        }
        self.objects |= is("objects");
        self.refs |= is("refs");
        self.common |= is("commondir");
    }

    fn is_begun(&self) -> bool {
        self.head.is_some() || self.objects || self.refs || self.common
    }

    pub fn is_repository(&self) -> bool {
        self.head.is_some() && (self.common || self.objects && self.refs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_repositories_are_known_in_every_spelling() {
        for name in [".git", ".GIT", ".Git", ".g\u{200c}it", "\u{feff}.git", "GIT~1"] {
            assert!(is_git_name(OsStr::new(name)), "{name:?}");
        }
        for name in [".gitignore", "git", ".git.bak", ".github"] {
            assert!(!is_git_name(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn what_completes_a_repository_is_seen_coming() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/objects")).unwrap();
        fs::create_dir_all(root.path().join("a/refs")).unwrap();
        assert_eq!(would_be_repository(root.path(), Path::new("a/HEAD")), Some("a".into()));
        assert_eq!(would_be_repository(root.path(), Path::new("a/config")), None);
        assert_eq!(would_be_repository(root.path(), Path::new("HEAD")), None);
        fs::write(root.path().join("HEAD"), "").unwrap();
        assert_eq!(would_be_repository(root.path(), Path::new("commondir")), Some("".into()));
    }
}
