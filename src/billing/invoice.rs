//! An invoice, line by line.

use chrono::Timelike;
use serde::{Deserialize, Serialize};

use super::period::BillingPeriod;
use crate::domain::{Cents, Timestamp, Usd};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    pub period: BillingPeriod,
    pub lines: Vec<Line>,
}

/// Something charged or credited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub item: Item,
    /// Title of the plan or the add-on; empty for runs.
    pub title: String,
    /// What it covers.
    pub covers: BillingPeriod,
    /// Runs.
    pub quantity: Option<u64>,
    /// For one of them, or of the whole of the plan or the add-on.
    pub unit: Option<Usd>,
    /// `None` where the price is not known.
    pub amount: Option<Cents>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// A plan by the month.
    Plan,
    /// A plan for a year.
    Year,
    /// A year that was paid before.
    PaidYear,
    /// What is left of a year that ended early.
    Credit,
    AddOn,
    /// Runs beyond those included.
    Overage,
    /// What the cap takes off them.
    Cap,
}

impl Invoice {
    /// The sum of the lines; a lower bound where it is not complete.
    pub fn total(&self) -> Cents {
        self.lines.iter().filter_map(|line| line.amount).sum()
    }

    /// Whether the price of everything is known.
    pub fn is_complete(&self) -> bool {
        self.lines.iter().all(|line| line.amount.is_some())
    }

    /// What runs beyond those included come to, after the cap.
    pub fn overage(&self) -> Cents {
        let lines = self.lines.iter().filter(|line| matches!(line.item, Item::Overage | Item::Cap));
        lines.filter_map(|line| line.amount).sum()
    }
}

impl Line {
    /// For people, without its amount: `Starter, from 2026-11-15`, `196 runs beyond those included, at $0.50`.
    pub fn text(&self, period: &BillingPeriod) -> String {
        let title = &self.title;
        match self.item {
            Item::Plan | Item::AddOn => format!("{title}{}", self.part_of(period)),
            Item::Year => format!("{title}, the year until {}", day(self.covers.until)),
            Item::PaidYear => format!("{title}, paid until {}", day(self.covers.until)),
            Item::Credit => format!("{title}, credit for the rest of the year until {}", day(self.covers.until)),
            Item::Overage => {
                let runs = self.quantity.unwrap_or_default();
                let noun = if runs == 1 { "run" } else { "runs" };
                let at = self.unit.map(|unit| format!(", at {}", price(unit))).unwrap_or_default();
                format!("{runs} {noun} beyond those included{at}")
            }
            Item::Cap => "cap on runs beyond those included".to_owned(),
        }
    }

    fn part_of(&self, period: &BillingPeriod) -> String {
        let (starts_late, ends_early) = (self.covers.from > period.from, self.covers.until < period.until);
        match (starts_late, ends_early) {
            (false, false) => String::new(),
            (true, false) => format!(", from {}", moment(self.covers.from)),
            (false, true) => format!(", until {}", moment(self.covers.until)),
            (true, true) => format!(", {} to {}", moment(self.covers.from), moment(self.covers.until)),
        }
    }
}

impl Item {
    /// As `--json` and CSV have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Year => "year",
            Self::PaidYear => "paid_year",
            Self::Credit => "credit",
            Self::AddOn => "add_on",
            Self::Overage => "overage",
            Self::Cap => "cap",
        }
    }
}

/// `$0.50`, `$0.505`
fn price(unit: Usd) -> String {
    format!("${}", unit.to_price())
}

fn day(at: Timestamp) -> String {
    at.format("%Y-%m-%d").to_string()
}

/// A day, and as much of the time of day as is not nought.
pub(super) fn moment(at: Timestamp) -> String {
    match (at.num_seconds_from_midnight(), at.second()) {
        (0, _) => day(at),
        (_, 0) => at.format("%Y-%m-%d %H:%M").to_string(),
        (_, _) => at.format("%Y-%m-%d %H:%M:%S").to_string(),
    }
}
