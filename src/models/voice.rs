//! What of a streaming answer people see meanwhile. A forced answer is JSON; of it, only the words are shown.

use crate::ports::DeltaSink;

/// Turns pieces of an answer into tokens to show.
#[derive(Debug)]
pub(super) enum Voice {
    /// The text as it comes.
    Plain,
    /// The value of `say` in a forced answer, as far as it has come.
    Say(SayReader),
}

/// Finds the string in `{"next":{"say":"…` while it streams.
#[derive(Debug, Default)]
pub(super) struct SayReader {
    /// What has come and is not shown yet.
    pending: String,
    place: Place,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Before,
    Inside,
    After,
}

impl Voice {
    /// Shows what `added` adds; gives back how many characters that was.
    pub fn speak(&mut self, added: &str, deltas: &dyn DeltaSink) -> usize {
        let shown = match self {
            Self::Plain => added.to_owned(),
            Self::Say(reader) => reader.push(added),
        };
        if !shown.is_empty() {
            deltas.token(&shown);
        }
        shown.chars().count()
    }
}

impl SayReader {
    fn push(&mut self, added: &str) -> String {
        if self.place == Place::After {
            return String::new();
        }
        self.pending.push_str(added);
        if self.place == Place::Before {
            match opening(&self.pending) {
                Opening::Say(length) => {
                    self.pending.drain(..length);
                    self.place = Place::Inside;
                }
                Opening::Incomplete => return String::new(),
                Opening::Other => {
                    *self = Self { pending: String::new(), place: Place::After };
                    return String::new();
                }
            }
        }
        let (length, ended) = complete_prefix(&self.pending);
        let piece: String = self.pending.drain(..length).collect();
        if ended {
            *self = Self { pending: String::new(), place: Place::After };
        }
        serde_json::from_str(&format!("\"{piece}\"")).unwrap_or(piece)
    }
}

enum Opening {
    /// The words begin after this many bytes.
    Say(usize),
    Incomplete,
    Other,
}

/// Compares what has come with the way a spoken answer begins, blanks aside.
fn opening(text: &str) -> Opening {
    let mut expected = "{\"next\":{\"say\":\"".chars().peekable();
    for (at, character) in text.char_indices() {
        match expected.next_if_eq(&character) {
            Some(_) if expected.peek().is_none() => return Opening::Say(at + character.len_utf8()),
            Some(_) => {}
            None if character.is_whitespace() => {}
            None => return Opening::Other,
        }
    }
    Opening::Incomplete
}

/// Length of the part of a JSON string's inside that can be decoded by itself, and whether the string ends there.
fn complete_prefix(text: &str) -> (usize, bool) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let length = match byte {
            b'"' => return (at, true),
            b'\\' => escape_length(&bytes[at..]),
            _ => Some(1),
        };
        match length {
            Some(length) if at + length <= bytes.len() => at += length,
            _ => break,
        }
    }
    (at, false)
}

/// Bytes of the escape at the start; a leading half of a surrogate pair takes its other half with it.
fn escape_length(bytes: &[u8]) -> Option<usize> {
    if *bytes.get(1)? != b'u' {
        return Some(2);
    }
    let leads =
        bytes.get(2)?.eq_ignore_ascii_case(&b'd') && matches!(bytes.get(3)?, b'8' | b'9' | b'a' | b'b' | b'A' | b'B');
    Some(if leads { 12 } else { 6 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown of `text` when it comes in pieces of `size` bytes, or the next character's end.
    fn shown(text: &str, size: usize) -> String {
        let mut reader = SayReader::default();
        let mut shown = String::new();
        let mut rest = text;
        while !rest.is_empty() {
            let at = rest.ceil_char_boundary(size.min(rest.len()));
            shown.push_str(&reader.push(&rest[..at]));
            rest = &rest[at..];
        }
        shown
    }

    #[test]
    fn only_the_words_of_a_spoken_answer_are_shown_however_it_is_split() {
        let answer = r#"{ "next" : {"say": "a\n\"quoted\" \u00e9 \ud83d\ude00 ü\\" } } trailing"#;
        for size in 1..answer.len() {
            assert_eq!(shown(answer, size), "a\n\"quoted\" é 😀 ü\\", "pieces of {size}");
        }
    }

    #[test]
    fn of_a_call_nothing_is_shown() {
        assert_eq!(shown(r#"{"next":{"tool":"x","with":{"say":"no"}}}"#, 3), "");
    }
}
