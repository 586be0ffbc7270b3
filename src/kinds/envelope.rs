//! An event with its place in the log.

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::stream::Stream;
use crate::domain::{Actor, Timestamp};

/// An event with its place in the log. What is read from outside is refused when the event is not of the stream's kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Envelope {
    /// Place in the tenant's log: dense, from 1.
    pub seq: u64,
    pub stream: Stream,
    /// Place in the stream: dense, from 1.
    pub version: u64,
    pub at: Timestamp,
    pub by: Actor,
    pub event: Event,
}

#[derive(Deserialize)]
struct Unchecked {
    seq: u64,
    stream: Stream,
    version: u64,
    at: Timestamp,
    by: Actor,
    event: Event,
}

impl TryFrom<Unchecked> for Envelope {
    type Error = String;
    fn try_from(read: Unchecked) -> Result<Self, Self::Error> {
        let Unchecked { seq, stream, version, at, by, event } = read;
        if event.belongs_in(stream) {
            Ok(Self { seq, stream, version, at, by, event })
        } else {
            Err(format!("{} cannot happen in {stream}", event.kind()))
        }
    }
}
