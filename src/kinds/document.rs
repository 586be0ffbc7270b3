//! Documents about one thing, written from its history in the log.

use std::collections::BTreeMap;

use super::envelope::Envelope;
use super::stream::Stream;

/// The events of a thing, and of the things that it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    pub of: Stream,
    /// Of each stream its events, in their order.
    pub streams: BTreeMap<Stream, Vec<Envelope>>,
}

impl History {
    pub fn events(&self, stream: Stream) -> &[Envelope] {
        self.streams.get(&stream).map(Vec::as_slice).unwrap_or_default()
    }
}

/// A document that a kind can write about one of its things.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// The word that people type for it.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// In Markdown; nothing where the history has no beginning.
    pub write: fn(&History) -> Option<String>,
    /// The verb that replaces its text by the one it is given; without, it cannot be edited.
    pub amend: Option<&'static str>,
}

/// Of one kind, no two have the same name.
impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
