//! What a kind can tell of all of its things together, over a time, from their events.

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::envelope::Envelope;
use super::stream::Stream;
use crate::domain::Untrusted;

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
    /// Begins to count.
    pub begin: fn() -> Box<dyn Tally>,
    /// The schema of a line.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

/// One of a kind has no other of its name.
impl PartialEq for Survey {
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.family) == (other.name, other.family)
    }
}

/// A survey under way.
pub trait Tally: Send {
    /// Takes in an event, of which the newest come first.
    fn count(&mut self, event: &Envelope);

    /// The things of which the beginning was not counted.
    fn unknown(&self) -> Vec<Stream>;

    /// Takes in the first event of one of those, which says what it is.
    fn learn(&mut self, first: &Envelope);

    fn lines(self: Box<Self>) -> Vec<SurveyLine>;
}

/// A line of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyLine {
    /// A word under each column.
    pub cells: Vec<Untrusted>,
    /// For scripts.
    pub json: Value,
}
