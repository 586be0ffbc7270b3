//! How a subscription is listed and shown.

use super::row::Subscription;
use super::subscribed::SubscriptionState;
use crate::domain::{Timestamp, Untrusted};
use crate::kinds::{Column, Fact, Look, Shown, Surface, Surfaced};

impl Surfaced for Subscription {
    fn surface() -> Option<Surface> {
        Some(Surface::of::<Self>())
    }
}

impl Shown for Subscription {
    const COLUMNS: &'static [Column] = &[
        Column { title: "plan", width: Some(24) },
        Column { title: "paid until", width: Some(12) },
        Column { title: "what to do", width: None },
    ];

    const STATES: &'static [&'static str] = SubscriptionState::NAMES;

    const EMPTY: &'static str =
        "No subscription. `morningai billing checkout PLAN` begins one where [billing.stripe] is set.";

    fn cells(&self) -> Vec<Untrusted> {
        let until = self.now.period_ends.map(|at| at.format("%Y-%m-%d").to_string()).unwrap_or_default();
        vec![self.plan(), until.into(), self.concern().unwrap_or_default()]
    }

    fn facts(&self) -> Vec<Fact> {
        let now = &self.now;
        let mut facts = vec![Fact::new("plan", self.plan()).look(self.look())];
        facts.extend(self.trouble().map(|trouble| Fact::new("to do", trouble).look(Look::Bad)));
        let text = |name, value: &Option<String>| value.as_ref().map(|value| Fact::new(name, value.as_str()));
        let time = |name, at: Option<Timestamp>| at.map(|at| Fact::new(name, shown(at)));
        facts.extend(time("paid until", now.period_ends));
        facts.extend(time("trial until", now.trial_ends));
        facts.extend(time("ends", now.ends_at).map(|fact| fact.look(Look::Notable)));
        facts.extend(time("overdue", self.past_due_since));
        facts.extend(now.last_invoice.as_ref().map(|invoice| {
            let due = if invoice.due_cents.0 > 0 {
                format!(", {} is due", invoice.due_cents.display())
            } else {
                String::new()
            };
            Fact::new("invoice", format!("{} is {}{due}", invoice.invoice, invoice.state.raw()))
        }));
        facts.extend(
            self.refunds
                .iter()
                .map(|(charge, cents)| Fact::new("refunded", format!("{} of {charge}", cents.display()))),
        );
        facts.extend(self.push().map(|push| {
            let failed = if push.reason.is_empty() { String::new() } else { format!("; {}", push.reason.raw()) };
            let month = push.month.format("%Y-%m");
            Fact::new("usage", format!("{} for {month} is still to be reported{failed}", push.cents.display()))
        }));
        facts.extend((!self.lost().is_empty()).then(|| Fact::new("not billed", self.lost().clone()).look(Look::Bad)));
        facts.extend(now.odd.iter().map(|odd| Fact::new("warning", odd.clone()).look(Look::Warning)));
        facts.extend(self.differences.iter().map(|text| Fact::new("differs", text.clone()).look(Look::Warning)));
        facts.extend(time("compared", self.compared_at));
        facts.extend(text("customer", &self.customer));
        facts.extend(text("at Stripe", &now.subscription));
        facts
    }

    fn look(&self) -> Look {
        match self.now.state {
            SubscriptionState::Active | SubscriptionState::Trial => Look::Good,
            SubscriptionState::PastDue | SubscriptionState::Incomplete | SubscriptionState::Unknown => Look::Warning,
            SubscriptionState::Unpaid | SubscriptionState::Paused => Look::Bad,
            SubscriptionState::None | SubscriptionState::Cancelled => Look::Dim,
        }
    }

    fn needs_somebody(&self) -> bool {
        self.concern().is_some()
    }
}

impl Subscription {
    /// `starter, paid by the year, with soc2_pack`
    fn plan(&self) -> Untrusted {
        let now = &self.now;
        let Some(plan) = &now.plan else { return "none".into() };
        let year = if now.is_annual { ", paid by the year" } else { "" };
        let with = if now.add_ons.is_empty() { String::new() } else { format!(", with {}", now.add_ons.join(", ")) };
        format!("{plan}{year}{with}").into()
    }

    /// What somebody has to look at.
    fn concern(&self) -> Option<Untrusted> {
        let differs = || match self.differences.as_slice() {
            [] => None,
            [first, ..] => Some(format!("{}: `morningai billing reconcile`", first.raw()).into()),
        };
        let lost = || (!self.lost().is_empty()).then(|| self.lost().clone());
        self.trouble().map(Untrusted::from).or_else(|| self.now.odd.first().cloned()).or_else(lost).or_else(differs)
    }
}

fn shown(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
