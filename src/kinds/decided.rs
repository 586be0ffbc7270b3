//! An event that a command leads to, before it has a place in the log.

use super::event::{Event, Listed};
use super::stream::Stream;
use crate::domain::Actor;

#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    pub stream: Stream,
    pub by: Actor,
    pub event: Event,
}

impl Decided {
    /// In the stream of one thing, which can only hold events of its kind.
    pub fn of<K: Listed>(id: K::Id, by: &Actor, event: K::Event) -> Self {
        Self { stream: K::stream(id), by: by.clone(), event: K::event(event) }
    }
}
