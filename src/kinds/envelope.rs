//! An event with its place in the log, and what is left of it when its subject is erased.

use serde::{Deserialize, Serialize};

use super::table::{Event, Stream};
use crate::domain::{Actor, ModelReply, SubjectId, Timestamp};

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

/// What is left of an event whose subject was erased: that it happened, when, and what it cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum ErasedEvent {
    #[serde(rename = "erased")]
    Erased {
        /// The name of what it was, as in the log: `run.started`.
        was: String,
        subject: SubjectId,
        /// Of a model's answer, the model, its usage and price, and nothing that was said: days keep what they cost.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spent: Option<Box<ModelReply>>,
    },
}
