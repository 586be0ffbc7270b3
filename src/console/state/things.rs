//! The pages of kinds that are told by their surfaces: the list of one kind, and one thing.

use super::list::ListPane;
use super::pane::Pane;
use crate::domain::Untrusted;
use crate::kinds::{Document, RowKind, Stream, Survey, SurveyLine, VerbDoc};

/// Everything of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct ThingList {
    pub kind: RowKind,
    pub list: ListPane,
}

impl ThingList {
    pub fn new(kind: RowKind) -> Self {
        Self { kind, list: ListPane::default() }
    }
}

/// One thing with all its facts.
#[derive(Clone, Debug, PartialEq)]
pub struct ThingPage {
    pub stream: Stream,
    pub pane: Pane,
}

impl ThingPage {
    pub fn new(stream: Stream) -> Self {
        Self { stream, pane: Pane::default() }
    }
}

/// A document about a thing.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentPage {
    pub of: Stream,
    pub document: &'static Document,
    /// In Markdown; `None` until it is written.
    pub text: Option<Result<Untrusted, String>>,
    /// What the person wrote and that is not saved yet.
    pub draft: Option<String>,
    pub pane: Pane,
}

impl DocumentPage {
    pub fn new(of: Stream, document: &'static Document) -> Self {
        Self { of, document, text: None, draft: None, pane: Pane::default() }
    }
}

/// A table over all of a kind, over the last days.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyPage {
    pub survey: &'static Survey,
    /// `None` until it is counted.
    pub lines: Option<Result<Vec<SurveyLine>, String>>,
    pub list: ListPane,
}

impl SurveyPage {
    /// Days that it is of.
    pub const DAYS: i64 = 30;

    pub fn new(survey: &'static Survey) -> Self {
        Self { survey, lines: None, list: ListPane::default() }
    }
}

/// A verb of a kind that is told by its surface: of one thing, or to begin a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThingVerb {
    pub kind: RowKind,
    pub of: Option<Stream>,
    pub verb: &'static VerbDoc,
}
