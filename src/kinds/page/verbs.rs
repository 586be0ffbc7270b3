//! What may be asked of a page: by those who send it, and by people to try again.

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::key::PageKey;
use super::tidings::{Follows, Tidings};
use crate::domain::{Timestamp, Untrusted};
use crate::kinds::{Verb, Words, verbs};

verbs! {
    /// What may be asked of a page.
    PageVerb of Page {
        /// Try again to send it
        Retry = "retry", HandleIncidents;
        /// Stop trying to send it
        Dismiss = "dismiss", HandleIncidents;
        /// Queue it
        Queue {
            #[schemars(with = "serde_json::Value")]
            order: Box<PageOrder>,
        } = "queue", Orchestrate;
        /// Claim the next attempt
        Attempt {
            attempt: u32,
        } = "attempt", Orchestrate;
        /// Note that the attempt arrived
        Deliver {
            attempt: u32,
            #[serde(default)]
            receipt: String,
        } = "deliver", Orchestrate;
        /// Note that the attempt failed
        Fail {
            attempt: u32,
            reason: Untrusted,
            #[schemars(with = "Option<String>")]
            retry_at: Option<Timestamp>,
        } = "fail", Orchestrate;
        /// Tell the other side that it was taken up, or is over
        Turn {
            tidings: Tidings,
        } = "turn", Orchestrate;
    }
}

/// A page that is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PageOrder {
    pub key: PageKey,
    /// Who is paged; nobody in a gap of a schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// What it is about.
    pub title: Untrusted,
    /// Whether the notifier can be told that the matter was taken up or is over.
    #[serde(default)]
    pub follows: Follows,
}

impl PageOrder {
    /// `ana by ops-slack`
    pub fn whom(&self) -> String {
        match &self.person {
            Some(person) => format!("{person} by {}", self.key.notifier),
            None => format!("nobody is on call for {}", self.key.target),
        }
    }
}

impl PageVerb {
    /// An attempt of which nobody said how it ended is made again after this long: longer than any attempt takes.
    pub const LEASE: TimeDelta = TimeDelta::seconds(20);
}

impl Verb for PageVerb {
    fn words(&mut self, each: &mut dyn FnMut(Words<'_>)) {
        match self {
            Self::Queue { order } => each(Words::Text(&mut order.title)),
            Self::Fail { reason, .. } => each(Words::Text(reason)),
            Self::Retry | Self::Attempt { .. } | Self::Deliver { .. } | Self::Turn { .. } | Self::Dismiss => {}
        }
    }
}
