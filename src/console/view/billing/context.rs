//! What the page is drawn from.

use crate::billing::{Account, Standing};
use crate::console::state::{Payment, Size};
use crate::domain::Timestamp;
use crate::fold::Snapshot;
use crate::kinds::Period;

/// What the page is drawn from.
pub struct BillingContext<'a> {
    /// `None` where no plan is set.
    pub account: Option<&'a Account>,
    pub snapshot: &'a Snapshot,
    pub now: Timestamp,
    pub size: Size,
    pub payment: &'a Payment,
}

impl BillingContext<'_> {
    pub(super) fn width(&self) -> usize {
        usize::from(self.size.width)
    }

    pub(super) fn standing(&self) -> Option<Standing> {
        standing(self.account?, self.snapshot, self.now)
    }
}

/// How an account stands by what is counted in a snapshot.
pub fn standing(account: &Account, snapshot: &Snapshot, now: Timestamp) -> Option<Standing> {
    let used = Period::since(account.counts_from(now), now.date_naive()).runs(&snapshot.spend);
    account.standing(used, now)
}
