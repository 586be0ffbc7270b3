//! One page as it is now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::PageEvent;
use super::key::PageKey;
use super::tidings::{Follows, Tidings};
use super::verbs::PageVerb;
use crate::domain::{PageId, Timestamp, Untrusted};
use crate::kinds::Stamp;

/// A page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    pub id: PageId,
    pub version: u64,
    #[serde(flatten)]
    pub key: PageKey,
    pub person: Option<String>,
    pub title: Untrusted,
    pub follows: Follows,
    pub state: PageState,
    /// What the other side is to know.
    pub tidings: Tidings,
    /// What it is known to know; nothing before the page arrived.
    pub told: Option<Tidings>,
    /// The event since which that is to be told.
    pub round: u64,
    /// Attempts to tell what is to be told now.
    pub attempts: u32,
    pub queued_at: Timestamp,
    /// When it arrived.
    pub delivered_at: Option<Timestamp>,
    /// When it is to be sent, or the claim of the process that sends it ends.
    pub due: Option<Timestamp>,
    /// Why the last attempt failed.
    pub reason: Untrusted,
    /// What the other side calls the message that it has.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub receipt: String,
    pub ended_at: Option<Timestamp>,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PageState {
    /// To be sent.
    Queued,
    /// Somebody is sending it.
    Sending,
    /// The other side has it.
    Delivered,
    /// To be tried again.
    Failed,
    /// Not tried again by itself.
    GivenUp,
    /// What it is about is over.
    Ended,
}

impl PageState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
            Self::Ended => "ended",
        }
    }
}

impl Page {
    pub(super) fn queued(id: PageId, event: &PageEvent, stamp: &Stamp<'_>) -> Option<Self> {
        let PageEvent::Queued { order } = event else { return None };
        Some(Self {
            id,
            version: stamp.version,
            key: order.key.clone(),
            person: order.person.clone(),
            title: order.title.clone(),
            follows: order.follows,
            state: PageState::Queued,
            tidings: Tidings::Trigger,
            told: None,
            round: stamp.version,
            attempts: 0,
            queued_at: stamp.at,
            delivered_at: None,
            due: Some(stamp.at),
            reason: Untrusted::default(),
            receipt: String::new(),
            ended_at: None,
        })
    }

    pub(super) fn take_in(&mut self, event: &PageEvent, stamp: &Stamp<'_>) {
        self.version = stamp.version;
        match event {
            PageEvent::Queued { .. } => {}
            PageEvent::Attempted { attempt } => {
                (self.state, self.attempts) = (PageState::Sending, *attempt);
                self.due = Some(stamp.at + PageVerb::LEASE);
            }
            PageEvent::Delivered { receipt } => {
                if !receipt.is_empty() {
                    self.receipt.clone_from(receipt);
                }
                (self.state, self.due, self.reason) = (PageState::Delivered, None, Untrusted::default());
                self.told = Some(self.tidings);
                self.delivered_at.get_or_insert(stamp.at);
            }
            PageEvent::Failed { reason, retry_at } => {
                (self.state, self.due, self.reason) = (PageState::Failed, Some(*retry_at), reason.clone());
            }
            PageEvent::GivenUp { reason } => {
                (self.state, self.due, self.reason) = (PageState::GivenUp, None, reason.clone());
            }
            PageEvent::Turned { tidings } => {
                self.round = stamp.version;
                self.send(*tidings, stamp);
            }
            PageEvent::Retried {} => self.send(self.tidings, stamp),
            PageEvent::Ended {} => {
                (self.state, self.due, self.ended_at) = (PageState::Ended, None, Some(stamp.at));
            }
        }
    }

    fn send(&mut self, tidings: Tidings, stamp: &Stamp<'_>) {
        (self.state, self.tidings, self.attempts, self.due) = (PageState::Queued, tidings, 0, Some(stamp.at));
    }

    /// Whether it is to be sent by the process that claims the attempt.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due <= now)
    }
}
