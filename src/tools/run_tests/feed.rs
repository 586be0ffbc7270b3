//! Cuts a program's output into lines for a parser while it streams on to those who watch. Keeps one line at a time,
//! however much is printed.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::report::{Parser, TestReport};
use crate::domain::BlobId;
use crate::ports::OutputSink;

/// Longest line worth reading; the rest of a longer one is skipped.
const LONGEST_LINE: usize = 16 * 1024;

/// A sink that reads along.
pub(super) struct Feed<'a> {
    onward: &'a dyn OutputSink,
    state: Mutex<State>,
}

struct State {
    line: Vec<u8>,
    parser: Box<dyn Parser>,
}

impl<'a> Feed<'a> {
    pub fn new(onward: &'a dyn OutputSink, parser: Box<dyn Parser>) -> Self {
        Self { onward, state: Mutex::new(State { line: Vec::new(), parser }) }
    }

    /// What was read, once nothing more comes.
    pub fn finish(self) -> TestReport {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.end_line();
        state.parser.finish()
    }
}

#[async_trait]
impl OutputSink for Feed<'_> {
    fn chunk(&self, bytes: &[u8]) {
        self.onward.chunk(bytes);
        self.state.lock().unwrap_or_else(PoisonError::into_inner).take(bytes);
    }

    async fn store(&self, content: &[u8]) -> Option<BlobId> {
        self.onward.store(content).await
    }
}

impl State {
    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST_LINE.saturating_sub(self.line.len());
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            self.line.extend_from_slice(&text[..room.min(text.len())]);
            if text.len() < piece.len() {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.parser.line(&without_escapes(&String::from_utf8_lossy(&line)));
    }
}

/// The line without colours and other control sequences, and without a carriage return at its end.
fn without_escapes(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.trim_end_matches('\r').chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' && characters.next_if_eq(&'[').is_some() {
            // Parameters go on until a letter, or another final character, ends them.
            characters.find(|c| matches!(c, '@'..='~'));
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lines(Vec<String>);

    impl Parser for Lines {
        fn line(&mut self, line: &str) {
            self.0.push(line.to_owned());
        }
        fn finish(&mut self) -> TestReport {
            TestReport { problem: Some(self.0.join("|")), ..TestReport::default() }
        }
    }

    struct Nobody;

    #[async_trait]
    impl OutputSink for Nobody {
        fn chunk(&self, _: &[u8]) {}
        async fn store(&self, _: &[u8]) -> Option<BlobId> {
            None
        }
    }

    #[test]
    fn lines_are_whole_however_they_arrive() {
        let feed = Feed::new(&Nobody, Box::new(Lines(Vec::new())));
        for chunk in ["one\ntw", "o\r\n\x1b[1;32mthree\x1b", "[0m\n", "end"] {
            feed.chunk(chunk.as_bytes());
        }
        assert_eq!(feed.finish().problem.unwrap(), "one|two|three|end");
    }

    #[test]
    fn an_endless_line_is_cut() {
        let feed = Feed::new(&Nobody, Box::new(Lines(Vec::new())));
        for _ in 0..100 {
            feed.chunk(&[b'x'; 1_000]);
        }
        assert_eq!(feed.finish().problem.unwrap().len(), LONGEST_LINE);
    }
}
