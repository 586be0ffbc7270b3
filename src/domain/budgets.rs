//! Budgets: what all runs together may cost in a day and in a month, in UTC.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use super::money::Usd;

/// The budgets that were in force when a run started; what is absent is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budgets {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Usd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<Usd>,
    pub once_used_up: OnceUsedUp,
}

/// What happens once a budget is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnceUsedUp {
    /// Agents make no more calls of models: their runs pause.
    #[default]
    Pause,
    /// People are told, and nothing is stopped.
    Warn,
}

/// What a budget is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetPeriod {
    Day,
    Month,
}

/// A budget that a run was paused by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverBudget {
    pub period: BudgetPeriod,
    /// What all runs together had cost in it by then.
    pub spent: Usd,
}

impl Budgets {
    pub fn of(&self, period: BudgetPeriod) -> Option<Usd> {
        match period {
            BudgetPeriod::Day => self.day,
            BudgetPeriod::Month => self.month,
        }
    }

    pub fn is_none(&self) -> bool {
        self.day.is_none() && self.month.is_none()
    }
}

impl BudgetPeriod {
    pub const ALL: [Self; 2] = [Self::Day, Self::Month];

    /// `today`, `this month`.
    pub fn now(self) -> &'static str {
        match self {
            Self::Day => "today",
            Self::Month => "this month",
        }
    }

    /// Whether both days lie in the same one.
    pub fn has_both(self, one: NaiveDate, other: NaiveDate) -> bool {
        match self {
            Self::Day => one == other,
            Self::Month => (one.year(), one.month()) == (other.year(), other.month()),
        }
    }
}
