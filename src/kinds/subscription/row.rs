//! One subscription as it is now, and what was subscribed to before.

use std::collections::BTreeMap;

use chrono::{NaiveDate, SubsecRound};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::event::SubscriptionEvent;
use super::meter::{MeterPush, Metering};
use super::subscribed::{Subscribed, SubscriptionState};
use crate::domain::{Cents, SubscriptionId, Timestamp, Untrusted};
use crate::kinds::Stamp;

/// Changes of the plan that are remembered.
const MOST_TERMS: usize = 100;
/// Payments that were given back that are remembered.
const MOST_REFUNDS: usize = 20;

/// A subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub version: u64,
    /// The number under which the provider has the customer: others of the same name are not taken for this one.
    pub account: Uuid,
    /// What the provider calls the customer.
    pub customer: Option<String>,
    /// As it was read last.
    pub now: Subscribed,
    pub begun_at: Timestamp,
    /// Since when an invoice is overdue.
    pub past_due_since: Option<Timestamp>,
    /// The plans that held, the oldest first.
    pub terms: Vec<PlanTerm>,
    /// Payments that were given back, by the provider's ids.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, i64>")]
    pub refunds: BTreeMap<String, Cents>,
    #[serde(default)]
    metering: Metering,
    /// What differs between this log and the provider.
    #[serde(default)]
    pub differences: Vec<Untrusted>,
    pub compared_at: Option<Timestamp>,
}

/// A plan that held until the next one did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanTerm {
    pub from: Timestamp,
    /// `None` where nothing was subscribed to, or it was not paid.
    pub plan: Option<String>,
    pub is_annual: bool,
    pub add_ons: Vec<String>,
}

impl Subscription {
    pub(super) fn begun(id: SubscriptionId, event: &SubscriptionEvent, stamp: &Stamp<'_>) -> Option<Self> {
        let SubscriptionEvent::Begun { account } = event else { return None };
        Some(Self {
            id,
            version: stamp.version,
            account: *account,
            customer: None,
            now: Subscribed::default(),
            begun_at: stamp.at,
            past_due_since: None,
            terms: Vec::new(),
            refunds: BTreeMap::new(),
            metering: Metering::default(),
            differences: Vec::new(),
            compared_at: None,
        })
    }

    pub(super) fn take_in(&mut self, event: &SubscriptionEvent, stamp: &Stamp<'_>) {
        self.version = stamp.version;
        self.metering.take_in(event, stamp);
        match event {
            SubscriptionEvent::CustomerKnown { customer } => self.customer = Some(customer.clone()),
            SubscriptionEvent::Changed { to } => self.change(to, stamp),
            SubscriptionEvent::Refunded { charge, cents } => {
                self.refunds.insert(charge.clone(), *cents);
                // One that has just come is not forgotten for those before it.
                while self.refunds.len() > MOST_REFUNDS {
                    let oldest = self.refunds.keys().find(|known| *known != charge).cloned();
                    oldest.map(|oldest| self.refunds.remove(&oldest));
                }
            }
            SubscriptionEvent::Compared { differences } => {
                (self.differences, self.compared_at) = (differences.clone(), Some(stamp.at));
            }
            SubscriptionEvent::Begun { .. }
            | SubscriptionEvent::Metered { .. }
            | SubscriptionEvent::MeterAttempted { .. }
            | SubscriptionEvent::MeterTaken {}
            | SubscriptionEvent::MeterFailed { .. } => {}
        }
    }

    fn change(&mut self, to: &Subscribed, stamp: &Stamp<'_>) {
        self.past_due_since = match to.state {
            SubscriptionState::PastDue => self.past_due_since.or(Some(stamp.at.trunc_subsecs(0))),
            _ => None,
        };
        let plan = to.plan.clone().filter(|_| to.state.grants());
        let add_ons = if plan.is_some() { to.add_ons.clone() } else { Vec::new() };
        let is_annual = plan.is_some() && to.is_annual;
        let term = PlanTerm { from: stamp.at.trunc_subsecs(0), plan, is_annual, add_ons };
        let said = |term: &PlanTerm| (term.plan.clone(), term.is_annual, term.add_ons.clone());
        if self.terms.last().map(said) != Some(said(&term)) {
            // Terms begin one after the other: of two within a second, the later one counts.
            self.terms.retain(|earlier| earlier.from < term.from);
            self.terms.push(term);
            if self.terms.len() > MOST_TERMS {
                self.terms.remove(0);
            }
        }
        self.now = to.clone();
    }

    /// What the provider is to be told of runs, if anything is.
    pub fn push(&self) -> Option<&MeterPush> {
        self.metering.push.as_ref()
    }

    /// What the provider has been told of a month.
    pub fn taken(&self, month: NaiveDate) -> Cents {
        self.metering.taken.get(&month).copied().unwrap_or_default()
    }

    /// The time of the last amount that it was told, or is to be told.
    pub(super) fn last_push(&self) -> Option<Timestamp> {
        self.metering.last
    }

    /// An amount that the provider did not take, with the reason; empty where there is none.
    pub fn lost(&self) -> &Untrusted {
        &self.metering.lost
    }

    /// What a person has to do about it, in a sentence.
    pub fn trouble(&self) -> Option<String> {
        let due = self.now.last_invoice.as_ref().map(|invoice| invoice.due_cents).filter(|due| due.0 > 0);
        let amount = due.map(|due| format!(" ({} is due)", due.display())).unwrap_or_default();
        Some(match self.now.state {
            SubscriptionState::PastDue => format!("a payment failed{amount}: `morningai billing portal` to pay"),
            SubscriptionState::Unpaid => {
                format!("an invoice was not paid{amount}, so the plan is off: `morningai billing portal` to pay")
            }
            SubscriptionState::Paused => {
                "the trial is over and there is nothing to pay with: `morningai billing portal`".to_owned()
            }
            SubscriptionState::Incomplete => {
                format!("the first payment is not complete{amount}: `morningai billing portal` to pay")
            }
            SubscriptionState::Unknown => "unknown state at Stripe: check the dashboard".to_owned(),
            SubscriptionState::None
            | SubscriptionState::Trial
            | SubscriptionState::Active
            | SubscriptionState::Cancelled => return None,
        })
    }
}
