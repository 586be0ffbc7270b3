//! Bytes of a file that a person wrote, as text: the one reader for all of them. Opening the file is others' work.
//!
//! Editors put a byte order mark before UTF-8 and end lines with CR and LF; neither means anything, so both are taken
//! away. Another encoding is named, since nobody can guess from broken letters what is wrong.

use super::fault::{Fault, SourceText};

const AS_UTF_8: &str = "save it as UTF-8 in your editor, or convert it with `iconv -f FROM -t UTF-8`";

/// Bytes that are no text that can be read: what they are, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NotText {
    pub message: String,
    pub hint: &'static str,
}

/// The text that stands in a file.
pub fn written_text(bytes: Vec<u8>) -> Result<String, NotText> {
    let failed = |message: String, hint| NotText { message, hint };
    if let Some((name, hint)) = wide(&bytes) {
        return Err(failed(format!("it is written in {name}, and is read as UTF-8 only"), hint));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let (at, bytes) = (error.utf8_error().valid_up_to(), error.as_bytes());
        let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        failed(
            format!("it is not UTF-8: line {line} has the byte 0x{:02x}, {at} bytes into the file", bytes[at]),
            AS_UTF_8,
        )
    })?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Ok(if text.contains("\r\n") { text.replace("\r\n", "\n") } else { text })
}

/// The encoding of texts in which a letter takes more than one byte, with or without a mark that says so.
fn wide(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const UTF_16: &str = "save it as UTF-8 in your editor, or convert it with `iconv -f UTF-16 -t UTF-8`";
    const UTF_32: &str = "save it as UTF-8 in your editor, or convert it with `iconv -f UTF-32 -t UTF-8`";
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some(("UTF-32", UTF_32)),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(("UTF-16", UTF_16)),
        [0, 0, 0, letter, ..] | [letter, 0, 0, 0, ..] if *letter != 0 => Some(("UTF-32", UTF_32)),
        [0, letter, ..] | [letter, 0, ..] if *letter != 0 => Some(("UTF-16", UTF_16)),
        _ => None,
    }
}

impl SourceText {
    /// The text of a file that is known as `name`.
    pub fn written(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, Fault> {
        let name = name.into();
        match written_text(bytes) {
            Ok(text) => Ok(Self::new(name, text)),
            Err(NotText { message, hint }) => Err(Fault::new(&Self::new(name, ""), 0..0, message).help(hint)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn a_mark_and_line_ends_of_another_system_mean_nothing() {
        for bytes in ["---\na: é\n", "\u{feff}---\na: é\n", "---\r\na: é\r\n", "\u{feff}---\r\na: é\r\n"] {
            assert_eq!(written_text(bytes.into()).unwrap(), "---\na: é\n", "{bytes:?}");
        }
        assert_eq!(written_text(Vec::new()).unwrap(), "");
        assert_eq!(written_text("a\u{feff}b\rc".into()).unwrap(), "a\u{feff}b\rc");
    }

    #[test]
    fn another_encoding_is_named_with_what_to_do() {
        let little = utf16("\u{feff}---\n", u16::to_le_bytes);
        for bytes in [
            little,
            utf16("\u{feff}é\n", u16::to_be_bytes),
            utf16("---", u16::to_le_bytes),
            utf16("a=", u16::to_be_bytes),
        ] {
            let error = written_text(bytes).unwrap_err();
            assert!(error.message.contains("UTF-16") && error.hint.contains("iconv -f UTF-16"), "{error:?}");
        }
        let wide: Vec<u8> = "\u{feff}a".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        assert!(written_text(wide).unwrap_err().message.contains("UTF-32"));
    }

    #[test]
    fn a_byte_that_is_no_utf_8_is_named_with_its_place() {
        let error = SourceText::written("agents/a.md", b"one\ntw\xf6\n".to_vec()).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("agents/a.md") && said.contains("line 2 has the byte 0xf6, 6 bytes"), "{said}");
    }
}
