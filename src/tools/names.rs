//! File names as text, and back. Most names are their own text. A name that is not UTF-8, would break a line, or begins
//! or ends in a blank is written with `\xNN` for those bytes and `\\` for a backslash; every tool takes that back.
//!
//! Two names are never written alike: a name that only looks as if it were written so has its backslashes doubled.

use std::borrow::Cow;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A path as text that [`read`] takes back.
pub fn written(path: &Path) -> String {
    let parts: Vec<Cow<'_, str>> = path.as_os_str().as_bytes().split(|byte| *byte == b'/').map(part).collect();
    parts.join("/")
}

/// The path that a text means. Checks nothing: it may well lead out of a workspace.
pub fn read(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, length) = escape(rest).unwrap_or((*first, 1));
        bytes.push(byte);
        rest = after.get(length - 1..).unwrap_or_default();
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// The byte that an escape at the start means, and the escape's length.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'\\', b'\\', ..] => Some((b'\\', 2)),
        [b'\\', b'x', high, low, ..] => {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            Some((digit(*high)? * 16 + digit(*low)?, 4))
        }
        _ => None,
    }
}

fn part(name: &[u8]) -> Cow<'_, str> {
    let is_escaped = || (0..name.len()).any(|at| escape(&name[at..]).is_some());
    let is_blank = |c: Option<char>| c.is_some_and(char::is_whitespace);
    let text = std::str::from_utf8(name).ok();
    let plain = text.filter(|text| {
        let mut characters = text.chars();
        !text.contains(char::is_control) && !is_blank(characters.next()) && !is_blank(characters.next_back())
    });
    match plain {
        Some(plain) if !is_escaped() => Cow::Borrowed(plain),
        _ => Cow::Owned(escaped(name)),
    }
}

fn escaped(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len() + 16);
    let hexadecimal = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let mut at = 0;
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            let end = at + character.len_utf8();
            let is_at_end = at == 0 || end == name.len();
            match character {
                '\\' => text.push_str("\\\\"),
                hidden if hidden.is_control() || (is_at_end && hidden.is_whitespace()) => {
                    text.push_str(&hexadecimal(&name[at..end]));
                }
                plain => text.push(plain),
            }
            at = end;
        }
        text.push_str(&hexadecimal(chunk.invalid()));
        at += chunk.invalid().len();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ffi::OsStr;

    use proptest::prelude::*;

    use super::*;

    fn path(bytes: &[u8]) -> &Path {
        Path::new(OsStr::from_bytes(bytes))
    }

    #[test]
    fn ordinary_names_are_their_own_text() {
        for name in
            ["src/lib.rs", ".", "/", "/a/b/", "a b", "naïve", "emoji 👩\u{200d}💻", r"C:\dir", r"a\", "x\u{a0}y"]
        {
            assert_eq!(written(Path::new(name)), name);
            assert_eq!(read(name), Path::new(name));
        }
    }

    #[test]
    fn other_names_are_escaped_and_read_back() {
        let names: [(&[u8], &str); 10] = [
            (b"new\nline", r"new\x0aline"),
            (b"tab\there", r"tab\x09here"),
            (b" front", r"\x20front"),
            (b"back ", r"back\x20"),
            (b"latin\xe9", r"latin\xe9"),
            (b"esc\x1b[0m\\", r"esc\x1b[0m\\"),
            (br"a\x41", r"a\\x41"),
            (br"a\\b", r"a\\\\b"),
            (b"dir \n/in\\side/\xff", r"dir \x0a/in\side/\xff"),
            ("\u{3000}wide\u{85}".as_bytes(), r"\xe3\x80\x80wide\xc2\x85"),
        ];
        for (name, text) in names {
            assert_eq!(written(path(name)), text);
            assert_eq!(read(text), path(name), "{text}");
        }
        assert_eq!(read(r"\x2e\X41\x4\xZZ"), Path::new(r".\X41\x4\xZZ"));
    }

    proptest! {
        #[test]
        fn every_name_is_read_back_and_no_two_are_alike(
            names in proptest::collection::vec(proptest::collection::vec(prop_oneof![
                Just(b'\\'), Just(b'x'), Just(b'4'), Just(b'1'), Just(b' '), Just(b'\n'), Just(0xe9_u8), Just(b'/'), Just(b'a')
            ], 0..9), 2..6)
        ) {
            let names: BTreeSet<_> = names.into_iter().collect();
            let texts: BTreeSet<_> = names.iter().map(|name| written(path(name))).collect();
            prop_assert_eq!(texts.len(), names.len());
            for name in &names {
                let text = written(path(name));
                prop_assert!(!text.contains(char::is_control));
                let back = read(&text);
                prop_assert_eq!(back.as_os_str().as_bytes(), name.as_slice(), "{}", text);
            }
        }
    }
}
