//! Lines that are added to a file, also after it was rotated or emptied.

use std::fs::File;
use std::io;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// Bytes kept of one line; the rest of it is passed over.
pub(super) const LONGEST_LINE: usize = 8 * 1024;
/// Bytes read at once: what is written faster is read the next time.
const MOST_READ: u64 = 4 * 1024 * 1024;

/// A file whose end is followed.
pub(super) struct Tail {
    path: PathBuf,
    open: Option<Open>,
    /// Whether what is in the file already is of no interest.
    skips: Skips,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Skips {
    Everything,
    Nothing,
}

struct Open {
    file: File,
    inode: u64,
    offset: u64,
    line: Vec<u8>,
}

impl Tail {
    /// From the end that it has at the first look on.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, open: None, skips: Skips::Everything }
    }

    /// What has been added since the last look. A file that is not there has nothing, and is read from its beginning when
    /// it appears.
    pub(super) fn read(&mut self) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        let there = match std::fs::metadata(&self.path) {
            Ok(there) => Some(there),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if let Some(open) = &mut self.open {
            open.read(&mut lines)?;
            if there.as_ref().is_some_and(|there| there.ino() != open.inode) {
                self.open = None;
            }
        }
        if self.open.is_none() && there.is_some() {
            let mut file = File::open(&self.path)?;
            let offset = if self.skips == Skips::Everything { file.seek(SeekFrom::End(0))? } else { 0 };
            let mut open = Open { inode: file.metadata()?.ino(), file, offset, line: Vec::new() };
            open.read(&mut lines)?;
            self.open = Some(open);
        }
        self.skips = Skips::Nothing;
        Ok(lines)
    }
}

impl Open {
    fn read(&mut self, lines: &mut Vec<String>) -> io::Result<()> {
        if self.file.metadata()?.len() < self.offset {
            self.offset = 0;
            self.line.clear();
        }
        self.file.seek(SeekFrom::Start(self.offset))?;
        let mut added = Vec::new();
        self.offset += (&mut self.file).take(MOST_READ).read_to_end(&mut added)? as u64;
        for piece in added.split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST_LINE.saturating_sub(self.line.len());
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                lines.push(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn nothing_that_is_added_is_missed_when_the_file_is_rotated_or_emptied() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log");
        let add =
            |text: &str| File::options().append(true).create(true).open(&path).unwrap().write_all(text.as_bytes());
        add("old\n").unwrap();
        let mut tail = Tail::new(path.clone());
        assert_eq!(tail.read().unwrap(), Vec::<String>::new());
        add("one\r\ntw").unwrap();
        assert_eq!(tail.read().unwrap(), ["one"]);
        add("o\n").unwrap();
        std::fs::rename(&path, dir.path().join("app.log.1")).unwrap();
        assert_eq!(tail.read().unwrap(), ["two"], "what was written before it was moved away");
        add("three\n").unwrap();
        assert_eq!(tail.read().unwrap(), ["three"]);
        File::create(&path).unwrap();
        assert_eq!(tail.read().unwrap(), Vec::<String>::new());
        add(&format!("{}\nfour\n", "x".repeat(20_000))).unwrap();
        let lines = tail.read().unwrap();
        assert_eq!((lines[0].len(), lines[1].as_str()), (LONGEST_LINE, "four"));
    }

    #[test]
    fn a_file_that_appears_later_is_read_from_its_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.log");
        let mut tail = Tail::new(path.clone());
        assert!(tail.read().unwrap().is_empty());
        std::fs::write(&path, "first\n").unwrap();
        assert_eq!(tail.read().unwrap(), ["first"]);
        assert!(Tail::new(dir.path().join("app.log/x")).read().is_err());
    }
}
