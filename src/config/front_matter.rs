//! Markdown with YAML front matter between two `---` lines: splitting it, and reading the YAML with places that
//! are right in the whole file.

use std::ops::Range;

use serde::de::DeserializeOwned;

use super::serde_words::words;
use crate::domain::{Fault, SourceText};

/// A file in two parts, as ranges of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    pub matter: Range<usize>,
    pub body: Range<usize>,
}

/// Finds the two parts.
pub fn split(source: &SourceText) -> Result<Parts, Fault> {
    let text: &str = &source.text;
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    let missing = |at: usize, message: &str| {
        Fault::new(source, at..at, message)
            .help("begin the file with a line `---`, keys like `name: …`, and a line `---`")
    };
    if first.trim_end() != "---" {
        return Err(missing(0, "there is no front matter"));
    }
    let mut at = first.len();
    for line in lines {
        if line.trim_end() == "---" {
            return Ok(Parts { matter: first.len()..at, body: at + line.len()..text.len() });
        }
        at += line.len();
    }
    Err(missing(0, "the front matter has no end"))
}

/// Reads the front matter as a `T`.
pub fn read<T: DeserializeOwned>(source: &SourceText, parts: &Parts) -> Result<T, Fault> {
    yaml_serde::from_str(&source.text[parts.matter.clone()]).map_err(|error| {
        let index = error.location().map_or(0, |location| location.index());
        let start = (parts.matter.start + index).min(parts.matter.end);
        let line_end = source.text[start..].find('\n').map_or(source.text.len(), |end| start + end);
        let words = words(&error.to_string());
        let fault = Fault::new(source, start..line_end, words.message);
        match words.help {
            Some(help) => fault.help(help),
            None => fault,
        }
    })
}

/// Where the value of `key:` stands, for what is found wrong after reading.
pub fn key_span(source: &SourceText, parts: &Parts, key: &str) -> Range<usize> {
    let mut at = parts.matter.start;
    for line in source.text[parts.matter.clone()].split_inclusive('\n') {
        if line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':')) {
            return at..at + line.trim_end().len();
        }
        at += line.len();
    }
    parts.matter.start..parts.matter.start
}

/// Where `word` stands in the front matter as a word of its own, else where the key stands.
pub fn word_span(source: &SourceText, parts: &Parts, key: &str, word: &str) -> Range<usize> {
    let from = key_span(source, parts, key).start;
    let matter = &source.text[from..parts.matter.end];
    let is_edge = |character: Option<char>| character.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '-');
    let found = matter.match_indices(word).find(|(at, _)| {
        is_edge(matter[..*at].chars().next_back()) && is_edge(matter[at + word.len()..].chars().next())
    });
    match found {
        Some((at, _)) => from + at..from + at + word.len(),
        None => key_span(source, parts, key),
    }
}
