//! Copies: through the terminal where it takes them, else into a file. Says which.

use std::path::Path;

use crossterm::Command;
use crossterm::clipboard::CopyToClipboard;

/// Longest text that common terminals take in one sequence, before it is encoded.
const MOST_BYTES: usize = 74_000;

/// Where a copy goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Copy {
    /// These bytes, to the terminal; the text is encoded, so nothing in it can end the sequence.
    Terminal(Vec<u8>),
    File,
}

/// How `text` is copied on a terminal of this kind. No terminal confirms a copy, so known ones decide.
pub fn plan(text: &str, term: &str) -> Copy {
    let takes_none = ["linux", "vt100", "vt220", "dumb", ""].contains(&term);
    let mut sequence = String::new();
    if takes_none
        || text.len() > MOST_BYTES
        || CopyToClipboard::to_clipboard_from(text).write_ansi(&mut sequence).is_err()
    {
        return Copy::File;
    }
    Copy::Terminal(sequence.into_bytes())
}

/// Writes a copy where only its owner reads it, and says where that is.
pub fn to_file(text: &str, path: &Path) -> Result<String, String> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())
    });
    match written {
        Ok(()) => Ok(format!("this terminal does not support copying (OSC 52); saved to {}", path.display())),
        Err(error) => Err(format!("cannot copy into {}: {error}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_through_the_terminal_is_encoded() {
        let Copy::Terminal(bytes) = plan("a\u{7}b\u{1b}\\", "xterm-256color") else { unreachable!() };
        assert_eq!(String::from_utf8(bytes).unwrap(), "\u{1b}]52;c;YQdiG1w=\u{1b}\\");
    }

    #[test]
    fn what_the_terminal_does_not_take_goes_into_a_file_of_its_owner() {
        assert_eq!(plan("text", "linux"), Copy::File);
        assert_eq!(plan(&"x".repeat(MOST_BYTES + 1), "xterm"), Copy::File);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sub/copy.txt");
        assert!(to_file("text", &path).unwrap().contains("copy.txt"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "text");
    }
}
