//! What a verb has to say of itself: a verb is what may be asked of one thing of a kind, by people, scripts and timers.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::{Action, Untrusted};

/// The verbs of a kind, a closed enum, tagged in JSON by the field `command`.
pub trait Verb: Clone + Debug + PartialEq + Serialize + DeserializeOwned {
    /// What the caller must be allowed to do. Where it depends on more than the verb, the most it can take.
    fn action(&self) -> Action;

    /// Hands out everything that people typed, so that it can be searched for secrets.
    fn words(&mut self, each: &mut dyn FnMut(Words<'_>));
}

/// Something that a person typed.
#[derive(Debug)]
pub enum Words<'a> {
    Text(&'a mut Untrusted),
    Plain(&'a mut String),
    Json(&'a mut Value),
}
