//! What may be asked of a subscription: by the program alone, which tells what the provider said.

use chrono::NaiveDate;
use uuid::Uuid;

use super::subscribed::Subscribed;
use crate::domain::{Cents, Timestamp, Untrusted};
use crate::kinds::{Verb, Words, verbs};

verbs! {
    /// What may be asked of a subscription.
    SubscriptionVerb of Subscription {
        /// Note that a customer is to be made
        Begin {
            account: Uuid,
        } = "begin", Orchestrate, begins;
        /// Note what the provider calls the customer
        Know {
            customer: String,
        } = "know", Orchestrate;
        /// Note what the provider says of the subscription
        Read {
            to: Box<Subscribed>,
        } = "read", Orchestrate;
        /// Note that a payment was given back
        Refund {
            charge: String,
            #[schemars(with = "i64")]
            cents: Cents,
        } = "refund", Orchestrate;
        /// Note what runs beyond those included come to
        Measure {
            month: NaiveDate,
            #[schemars(with = "i64")]
            cents: Cents,
            at: Timestamp,
        } = "measure", Orchestrate;
        /// Claim the next attempt to tell the provider
        Attempt {
            attempt: u32,
        } = "attempt", Orchestrate;
        /// Note that the provider took it
        Take {
            attempt: u32,
        } = "take", Orchestrate;
        /// Note that the attempt failed
        Fail {
            attempt: u32,
            reason: Untrusted,
            retry_at: Option<Timestamp>,
        } = "fail", Orchestrate;
        /// Note what differs from the provider
        Compare {
            differences: Vec<Untrusted>,
        } = "compare", Orchestrate;
    }
}

impl Verb for SubscriptionVerb {
    fn words(&mut self, each: &mut dyn FnMut(Words<'_>)) {
        match self {
            Self::Read { to } => to.odd.iter_mut().for_each(|odd| each(Words::Text(odd))),
            Self::Fail { reason, .. } => each(Words::Text(reason)),
            Self::Compare { differences } => differences.iter_mut().for_each(|text| each(Words::Text(text))),
            Self::Begin { .. }
            | Self::Know { .. }
            | Self::Refund { .. }
            | Self::Measure { .. }
            | Self::Attempt { .. }
            | Self::Take { .. } => {}
        }
    }
}
