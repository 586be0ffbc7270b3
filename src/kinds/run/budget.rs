//! How a run stands to the budgets that it shares with others: what it may spend of them, and what a person gave it once
//! more.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::domain::{ApprovalId, BudgetPeriod, BudgetScope, Limits, OverBudget, Timestamp, Usd};

/// A higher budget for one run, in the one day or month in which it was used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetRaise {
    #[serde(default, skip_serializing_if = "BudgetScope::is_all")]
    scope: BudgetScope,
    period: BudgetPeriod,
    on: NaiveDate,
    to: Usd,
}

/// What a run was offered when a budget paused it, and what it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BudgetRaises {
    #[serde(skip_serializing_if = "Option::is_none")]
    offered: Option<BudgetRaise>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    given: Vec<BudgetRaise>,
    /// The request by which people are asked what is to be done about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<ApprovalId>,
}

impl BudgetRaises {
    /// What resuming gives beyond what is spent by then.
    pub fn more() -> Usd {
        Limits::default().cost
    }

    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// What `budget` is for this run, with what it was given in the period of `today`.
    pub fn over(&self, budget: Usd, (scope, period): (&BudgetScope, BudgetPeriod), today: NaiveDate) -> Usd {
        let is_of = |raise: &&BudgetRaise| raise.is_of(scope, period) && period.has_both(raise.on, today);
        let most = self.given.iter().filter(is_of).map(|raise| raise.to).max();
        most.map_or(budget, |most| most.max(budget))
    }

    pub(super) fn paused(&mut self, over: Option<&OverBudget>, at: Timestamp) {
        self.offered = over.map(|over| BudgetRaise {
            scope: over.scope.clone(),
            period: over.period,
            on: at.date_naive(),
            to: over.spent + Self::more(),
        });
        self.asked = over.and_then(|over| over.asked);
    }

    /// The request about the budget that paused the run.
    pub fn asked(&self) -> Option<ApprovalId> {
        self.asked
    }

    /// What was asked has no use any more.
    pub(super) fn ended(&mut self) {
        self.asked = None;
    }

    /// At most one of a kind is kept.
    pub(super) fn resumed(&mut self) {
        self.asked = None;
        if let Some(raise) = self.offered.take() {
            self.given.retain(|given| !given.is_of(&raise.scope, raise.period));
            self.given.push(raise);
        }
    }
}

impl BudgetRaise {
    fn is_of(&self, scope: &BudgetScope, period: BudgetPeriod) -> bool {
        self.scope == *scope && self.period == period
    }
}
