//! What a kind can tell of all of its things together, over a time, from their events.

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::envelope::Envelope;
use crate::domain::{Timestamp, Untrusted};

/// A table over the events of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Survey {
    /// The word that people type for it.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// What the names of the events that it counts begin with.
    pub family: &'static str,
    pub columns: &'static [&'static str],
    /// From events in their order. Of those before `since` there is only the first of each thing, which says what it is.
    pub count: fn(&[Envelope], Timestamp) -> Vec<SurveyLine>,
    /// The schema of a line.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

/// A line of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyLine {
    /// A word under each column.
    pub cells: Vec<Untrusted>,
    /// For scripts.
    pub json: Value,
}
