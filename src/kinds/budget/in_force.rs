//! The budget that holds for a scope in a period: what people set or, where they set nothing, what the configuration
//! says. Everything that asks for it asks here.

use super::row::Budget;
use crate::domain::{Actor, BudgetId, BudgetPeriod, BudgetScope, ConfiguredBudget, OnceUsedUp, Usd};
use crate::kinds::Table;

/// A budget that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    pub amount: Usd,
    pub once_used_up: OnceUsedUp,
    pub source: BudgetSource,
}

/// Where a budget was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BudgetSource {
    Configuration,
    By(Actor),
}

impl InForce {
    /// `configured` is what the configuration says of the scope.
    pub fn of(
        set: &Table<Budget>,
        configured: ConfiguredBudget,
        scope: &BudgetScope,
        period: BudgetPeriod,
    ) -> Option<Self> {
        if let Some(budget) = set.get(&BudgetId::of(scope, period)).filter(|budget| budget.is_set()) {
            let source = BudgetSource::By(budget.set_by.clone());
            return Some(Self { amount: budget.amount_usd, once_used_up: budget.once_used_up, source });
        }
        let once_used_up = configured.once_used_up;
        configured.of(period).map(|amount| Self { amount, once_used_up, source: BudgetSource::Configuration })
    }
}
