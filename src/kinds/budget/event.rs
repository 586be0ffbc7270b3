//! What can have happened to a budget.

use serde::{Deserialize, Serialize};

use crate::domain::{BudgetPeriod, BudgetScope, OnceUsedUp, Untrusted, Usd};
use crate::kinds::{KindEvent, Look};

/// What happened to a budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum BudgetEvent {
    /// Set for the first time, changed, or raised.
    #[serde(rename = "budget.set")]
    Set { scope: BudgetScope, period: BudgetPeriod, amount: Usd, once_used_up: OnceUsedUp },
    #[serde(rename = "budget.removed")]
    Removed {},
}

impl KindEvent for BudgetEvent {
    const AUDITED: Option<&'static str> = Some("budget.");

    fn name(&self) -> &'static str {
        match self {
            Self::Set { .. } => "budget.set",
            Self::Removed {} => "budget.removed",
        }
    }

    /// `$25.00 a day of agent dev (soft)`
    fn remark(&self) -> Untrusted {
        match self {
            Self::Set { scope, period, amount, once_used_up } => {
                let soft = if *once_used_up == OnceUsedUp::Warn { " (soft)" } else { "" };
                format!("{} a {}{}{soft}", amount.display(), period.name(), scope.of()).into()
            }
            Self::Removed {} => Untrusted::default(),
        }
    }

    fn look(&self) -> Look {
        match self {
            Self::Set { .. } => Look::Notable,
            Self::Removed {} => Look::Dim,
        }
    }
}
