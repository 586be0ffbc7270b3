//! What a kind that is kept as rows has to say of itself. Everything else in the house asks these questions of the table
//! of kinds and never names a kind.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::decided::Decided;
use super::event::Event;
use super::kind::Kind;
use super::stream::Stream;
use super::verb::Verb;
use super::wanted::Wanted;
use super::world::World;
use crate::domain::{Action, Actor, Rejection, RunId, Timestamp};

/// A kind that is kept as one row a stream, which lists and the snapshot are made of.
pub trait Kept: Kind + Clone + Debug + PartialEq + Serialize + DeserializeOwned {
    type Verb: Verb;

    /// What somebody must be allowed to do to see it.
    const READING: Action;

    /// What `verb`, asked by `by` at `now`, leads to; an empty list changes nothing.
    fn decide(
        world: &dyn World,
        id: Self::Id,
        verb: Self::Verb,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<Decided>, Rejection>;

    /// The row of a stream that begins with `event`; `None` when nothing begins with that.
    fn begin(id: Self::Id, event: &Self::Event, stamp: &Stamp<'_>) -> Option<Self>;

    /// Takes in the next event of the stream.
    fn apply(&mut self, event: &Self::Event, stamp: &Stamp<'_>);

    fn id(&self) -> Self::Id;

    /// Version of the stream that the row reflects.
    fn version(&self) -> u64;

    fn index(&self) -> Index;

    /// What it asks of itself once `Index::due` has come.
    fn when_due(&self) -> Option<Self::Verb> {
        None
    }

    /// The runs that it wants as it is now, while it is open. It goes on to say so once they have started.
    fn wants(&self) -> Vec<Wanted> {
        Vec::new()
    }

    /// What it asks of itself where a run that it wants cannot be started, for this reason; without, it is tried again.
    fn when_unstarted(&self, _run: RunId, _reason: &str) -> Option<Self::Verb> {
        None
    }

    /// What it remembers of something that happened elsewhere; only ends are told, and only to what is in memory.
    fn told(&self, _world: &dyn World, _of: Stream, _event: &Event) -> Option<Self::Event> {
        None
    }

    /// Streams whose rows it is decided with, and which must stay in memory for that.
    fn waits_for(&self) -> Vec<Stream> {
        Vec::new()
    }
}

/// When, by whom, and as which event of its stream something happened.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    pub version: u64,
    pub at: Timestamp,
    pub by: &'a Actor,
}

/// What a row is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index {
    /// Whether it still needs somebody or something.
    pub is_open: bool,
    /// Lists have the newest first, by this.
    pub sort: Timestamp,
    /// Its state, by the name that its JSON has for it.
    pub state: &'static str,
    /// What it is a part of: removed with it, and acted upon by it.
    pub parent: Option<Stream>,
    /// When time alone asks for something.
    pub due: Option<Timestamp>,
}
