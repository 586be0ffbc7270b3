//! What a kind of thing is: streams with an id, and events of its own.

use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::look::Look;
use crate::domain::{BlobId, ModelReply, Untrusted};

/// A kind whose history is a stream of events of its own. What it is called is said in the table.
pub trait Kind: 'static {
    type Id: StreamId;
    type Event: KindEvent;
}

/// The id of a stream: a UUID that cannot be taken for another kind's.
pub trait StreamId: Copy + Ord + Hash + Debug + Display + FromStr + Into<Uuid> + From<Uuid> {}

impl<T: Copy + Ord + Hash + Debug + Display + FromStr + Into<Uuid> + From<Uuid>> StreamId for T {}

/// What every event tells of itself.
pub trait KindEvent: Clone + Debug + PartialEq + Serialize + DeserializeOwned {
    /// What the names of its like begin with, where the audit lists what people did to things of the kind.
    const AUDITED: Option<&'static str> = None;

    /// The name it has in the log: `run.started`.
    fn name(&self) -> &'static str;

    /// The output that is stored beside it, where it names one.
    fn output(&self) -> Option<&BlobId> {
        None
    }

    /// Whether it gives a run something to do: the one it happened in, or the one that its thing is a part of.
    fn wakes(&self) -> bool {
        false
    }

    /// Whether its thing is over with it, which those that remember things of other kinds are told.
    fn ends(&self) -> bool {
        false
    }

    /// Whether it calls a person at once, with a bell.
    fn rings(&self) -> bool {
        false
    }

    /// What tells it from others of its name, on one line, for lists; empty where lists have words of their own for it.
    fn remark(&self) -> Untrusted {
        Untrusted::default()
    }

    /// What happened, in a few words for the person who asked for it: `incident acknowledged`.
    fn said(&self) -> Untrusted {
        let name = self.name().replace(['.', '_'], " ");
        match self.remark() {
            remark if remark.is_empty() => name.into(),
            remark => format!("{name}: {}", remark.raw()).into(),
        }
    }

    /// What it is to somebody who looks down a list for failures, decisions and waits.
    fn look(&self) -> Look {
        Look::Plain
    }

    /// Whether this one stands in the audit, if its like do.
    fn is_audited(&self) -> bool {
        true
    }

    /// The answer of a model that cost something.
    fn spent(&self) -> Option<&ModelReply> {
        None
    }
}
