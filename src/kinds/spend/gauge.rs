//! How far a budget is used.

use chrono::NaiveDate;

use super::row::Spending;
use super::usage::{Days, Period};
use crate::domain::{BudgetPeriod, Budgets, OnceUsedUp, Usd};

/// A budget, and what is spent of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetGauge {
    pub period: BudgetPeriod,
    pub budget: Usd,
    pub spent: Spending,
    pub once_used_up: OnceUsedUp,
}

impl BudgetGauge {
    /// Percent from which people are told.
    pub const NEAR: i128 = 80;

    /// Those that are set.
    pub fn all(budgets: &Budgets, days: &Days, today: NaiveDate) -> Vec<Self> {
        let gauge = |period| {
            let spent = Period::of(period, today).total(days);
            let once_used_up = budgets.once_used_up;
            budgets.of(period).map(|budget| Self { period, budget, spent, once_used_up })
        };
        BudgetPeriod::ALL.into_iter().filter_map(gauge).collect()
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

    /// Whether it was the last `cost` that made it near or used up.
    pub fn was_passed_by(&self, cost: Usd) -> bool {
        let before = self.percent_at(Usd(self.spent.cost.0 - cost.0));
        [Self::NEAR, 100].into_iter().any(|mark| before < mark && self.percent() >= mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_once_of_each_mark() {
        let gauge = |cost| BudgetGauge {
            period: BudgetPeriod::Day,
            budget: Usd(100),
            spent: Spending { cost: Usd(cost), ..Spending::default() },
            once_used_up: OnceUsedUp::Pause,
        };
        let rings = |cost, last| gauge(cost).was_passed_by(Usd(last));
        assert!(
            !rings(79, 79) && rings(80, 1) && !rings(85, 5) && rings(100, 15) && !rings(110, 10) && rings(120, 120)
        );
        assert!(!gauge(79).is_near() && gauge(80).is_near() && !gauge(99).is_used_up() && gauge(100).is_used_up());
    }
}
