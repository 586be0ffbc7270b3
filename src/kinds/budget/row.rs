//! One budget as people set it last.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::BudgetEvent;
use crate::domain::{Actor, BudgetId, BudgetPeriod, BudgetScope, OnceUsedUp, Timestamp, Usd, usd_as_text};
use crate::kinds::Stamp;

/// A budget that people set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Budget {
    pub id: BudgetId,
    pub version: u64,
    pub scope: BudgetScope,
    pub period: BudgetPeriod,
    #[serde(with = "usd_as_text")]
    #[schemars(with = "String")]
    pub amount_usd: Usd,
    pub once_used_up: OnceUsedUp,
    #[schemars(with = "String")]
    pub set_by: Actor,
    pub set_at: Timestamp,
    pub removed_at: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    pub removed_by: Option<Actor>,
}

impl Budget {
    pub(super) fn set(id: BudgetId, event: &BudgetEvent, stamp: &Stamp<'_>) -> Option<Self> {
        let BudgetEvent::Set { scope, period, amount, once_used_up } = event else { return None };
        Some(Self {
            id,
            version: stamp.version,
            scope: scope.clone(),
            period: *period,
            amount_usd: *amount,
            once_used_up: *once_used_up,
            set_by: stamp.by.clone(),
            set_at: stamp.at,
            removed_at: None,
            removed_by: None,
        })
    }

    pub(super) fn take_in(&mut self, event: &BudgetEvent, stamp: &Stamp<'_>) {
        self.version = stamp.version;
        match event {
            BudgetEvent::Set { .. } => {}
            BudgetEvent::Removed {} => {
                (self.removed_at, self.removed_by) = (Some(stamp.at), Some(stamp.by.clone()));
            }
        }
    }

    pub(super) fn is_set(&self) -> bool {
        self.removed_at.is_none()
    }

    pub(super) fn state(&self) -> &'static str {
        if self.is_set() { "set" } else { "removed" }
    }
}
