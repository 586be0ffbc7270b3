//! The usage screen: by what its table tells apart what was spent, and of what its runs are shown.

use super::pane::Pane;
use crate::domain::Timestamp;
use crate::kinds::{Days, Period, UsageBy, UsageLine};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct UsagePane {
    pub pane: Pane,
    pub by: UsageBy,
    /// The row of a table whose runs are shown.
    pub within: Option<Within>,
}

/// A row of a table by one of its sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Within {
    pub by: UsageBy,
    pub name: String,
    /// What the table looked like.
    pane: Pane,
}

impl UsagePane {
    /// Days that its table is of, today included.
    pub const DAYS: u64 = 30;

    /// The rows of a table of sums.
    pub fn lines(days: &Days, by: UsageBy, now: Timestamp) -> Vec<UsageLine> {
        Period::last(Self::DAYS, now.date_naive()).lines(days, by)
    }

    /// Shows the next table; after the last, the first.
    pub fn turn(&mut self) {
        let at = UsageBy::ALL.iter().position(|by| *by == self.by).unwrap_or(0);
        self.by = UsageBy::ALL[(at + 1) % UsageBy::ALL.len()];
        self.within = None;
        self.pane = Pane::default();
    }

    /// Shows the runs of a row.
    pub fn enter(&mut self, name: String) {
        self.within = Some(Within { by: self.by, name, pane: std::mem::take(&mut self.pane) });
    }

    /// Goes back to the table; whether there was one to go back to.
    pub fn leave(&mut self) -> bool {
        let Some(within) = self.within.take() else { return false };
        self.pane = within.pane;
        true
    }
}
