//! Which plan holds, by what is known of the subscription. Pure.

use std::time::Duration;

use chrono::TimeDelta;

use crate::billing::{Account, Cycle, Grant, Plans};
use crate::kinds::{PlanTerm, Subscription};

/// The plans that held and hold. A plan that is not paid ends after `grace`; without a plan, the smallest one holds.
pub fn account(plans: Plans, known: Option<&Subscription>, grace: Duration) -> Account {
    let grant = |term: &PlanTerm| Grant {
        from: term.from,
        plan: term.plan.clone(),
        cycle: if term.is_annual { Cycle::Annual } else { Cycle::Monthly },
        add_ons: term.add_ons.clone(),
    };
    let mut grants: Vec<_> = known.iter().flat_map(|known| &known.terms).map(grant).collect();
    let grace = TimeDelta::from_std(grace).unwrap_or(TimeDelta::MAX);
    let ends = known.and_then(|known| known.past_due_since?.checked_add_signed(grace));
    grants.extend(ends.map(|from| Grant { from, plan: None, cycle: Cycle::Monthly, add_ons: Vec::new() }));
    Account::granted(plans, &grants)
}
