//! How far a budget is used.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::row::Spending;
use super::usage::{Days, Period};
use crate::domain::{Actor, BudgetPeriod, BudgetScope, Budgets, ConfiguredBudget, OnceUsedUp, Usd};
use crate::kinds::{Budget, BudgetSource, InForce, Table};

/// A budget, and what is spent of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetGauge {
    pub scope: BudgetScope,
    pub period: BudgetPeriod,
    pub budget: Usd,
    pub spent: Spending,
    pub once_used_up: OnceUsedUp,
    pub source: BudgetSource,
}

impl BudgetGauge {
    /// Percent from which people are told.
    pub const NEAR: i128 = 80;

    /// Of every budget in force where this is the configuration.
    pub fn all(set: &Table<Budget>, budgets: &Budgets, days: &Days, today: NaiveDate) -> Vec<Self> {
        let configured = budgets.scopes().into_iter().map(|scope| (budgets.of_scope(&scope), scope));
        Self::of_scopes(set, configured.map(|(budget, scope)| (scope, budget)).collect(), days, today)
    }

    /// Of every budget in force where the configuration says that of some scopes; all runs first.
    pub fn of_scopes(
        set: &Table<Budget>,
        mut configured: BTreeMap<BudgetScope, ConfiguredBudget>,
        days: &Days,
        today: NaiveDate,
    ) -> Vec<Self> {
        for budget in set.values() {
            configured.entry(budget.scope.clone()).or_default();
        }
        let each = configured.iter().flat_map(|named| BudgetPeriod::ALL.map(|period| (named, period)));
        let gauge = |((scope, configured), period): ((&BudgetScope, &ConfiguredBudget), BudgetPeriod)| {
            let InForce { amount, once_used_up, source } = InForce::of(set, *configured, scope, period)?;
            let spent = Period::of(period, today).spent_by(days, scope);
            Some(Self { scope: scope.clone(), period, budget: amount, spent, once_used_up, source })
        };
        each.filter_map(gauge).collect()
    }

    pub fn percent(&self) -> i128 {
        self.percent_at(self.spent.cost)
    }

    fn percent_at(&self, cost: Usd) -> i128 {
        match self.budget {
            Usd(..=0) => 100,
            Usd(budget) => i128::from(cost.0) * 100 / i128::from(budget),
        }
    }

    pub fn is_near(&self) -> bool {
        self.percent() >= Self::NEAR
    }

    pub fn is_used_up(&self) -> bool {
        self.percent() >= 100
    }

    /// Whether it was the last `cost` that made it near or used up, of a run of `agent` that `by` started.
    pub fn was_passed_by(&self, cost: Usd, agent: &str, by: &Actor) -> bool {
        let before = self.percent_at(Usd(self.spent.cost.0 - cost.0));
        let passed = [Self::NEAR, 100].into_iter().any(|mark| before < mark && self.percent() >= mark);
        passed && BudgetScope::of_run(agent, by).any(|scope| scope == self.scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_once_of_each_mark() {
        let gauge = |cost| BudgetGauge {
            scope: BudgetScope::Agent("dev".to_owned()),
            period: BudgetPeriod::Day,
            budget: Usd(100),
            spent: Spending { cost: Usd(cost), ..Spending::default() },
            once_used_up: OnceUsedUp::Pause,
            source: BudgetSource::Configuration,
        };
        let rings = |cost, last| gauge(cost).was_passed_by(Usd(last), "dev", &Actor::System);
        assert!(
            !rings(79, 79) && rings(80, 1) && !rings(85, 5) && rings(100, 15) && !rings(110, 10) && rings(120, 120)
        );
        assert!(!gauge(80).was_passed_by(Usd(1), "ops", &Actor::System), "another agent's answer");
        assert!(!gauge(79).is_near() && gauge(80).is_near() && !gauge(99).is_used_up() && gauge(100).is_used_up());
    }
}
