//! What the provider was told of runs beyond those included, and what it is still to be told.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::SubscriptionEvent;
use crate::domain::{Cents, Timestamp, Untrusted};
use crate::kinds::Stamp;

/// Months of which is known what the provider was told.
const MOST_MONTHS: usize = 4;

/// An amount that the provider is to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeterPush {
    /// The first day of the month.
    pub month: NaiveDate,
    #[schemars(with = "i64")]
    pub cents: Cents,
    /// The time that it is told under.
    pub at: Timestamp,
    /// The event that it comes from: with the account, its identifier at the provider.
    pub event: u64,
    pub attempts: u32,
    /// When it may be tried, or the claim of the process that tries it ends.
    pub due: Timestamp,
    #[serde(default)]
    pub reason: Untrusted,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Metering {
    /// What the provider has taken, by months.
    #[schemars(with = "BTreeMap<NaiveDate, i64>")]
    pub(super) taken: BTreeMap<NaiveDate, Cents>,
    pub(super) push: Option<MeterPush>,
    /// The time of the last one: the next comes after it.
    pub(super) last: Option<Timestamp>,
    /// What was given up, for people.
    #[serde(default)]
    pub(super) lost: Untrusted,
}

impl MeterPush {
    /// An attempt of which nobody said how it ended is made again after this long: longer than any attempt takes.
    pub const LEASE: TimeDelta = TimeDelta::seconds(120);

    pub fn is_due(&self, now: Timestamp) -> bool {
        self.due <= now
    }
}

impl Metering {
    pub(super) fn take_in(&mut self, event: &SubscriptionEvent, stamp: &Stamp<'_>) {
        match (event, &mut self.push) {
            (SubscriptionEvent::Metered { month, cents, at }, push) => {
                self.last = Some(*at);
                let (event, reason) = (stamp.version, Untrusted::default());
                // At once, also for the process that measured it a moment before this was written.
                let (month, cents, at, due) = (*month, *cents, *at, stamp.at.min(*at));
                *push = Some(MeterPush { month, cents, at, event, attempts: 0, due, reason });
            }
            (SubscriptionEvent::MeterAttempted { attempt }, Some(push)) => {
                (push.attempts, push.due) = (*attempt, stamp.at + MeterPush::LEASE);
            }
            (SubscriptionEvent::MeterTaken {}, Some(push)) => {
                self.taken.insert(push.month, push.cents);
                self.push = None;
                while self.taken.len() > MOST_MONTHS {
                    self.taken.pop_first();
                }
            }
            (SubscriptionEvent::MeterFailed { reason, retry_at: Some(at) }, Some(push)) => {
                (push.reason, push.due) = (reason.clone(), *at);
            }
            (SubscriptionEvent::MeterFailed { reason, retry_at: None }, Some(push)) => {
                // What it would have said is not said any more, and people are told.
                self.lost =
                    format!("{} for {}: {}", push.cents.display(), push.month.format("%Y-%m"), reason.raw()).into();
                self.taken.insert(push.month, push.cents);
                self.push = None;
            }
            _ => {}
        }
    }
}
