//! Billing periods: calendar months of UTC.

use chrono::{Datelike, Months, NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;

/// From a moment to another, the second not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingPeriod {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl BillingPeriod {
    /// The calendar month that `now` is in.
    pub fn month_of(now: Timestamp) -> Self {
        let first = now.date_naive().with_day(1).unwrap_or_default();
        let next = first.checked_add_months(Months::new(1)).unwrap_or(first);
        Self { from: midnight(first), until: midnight(next) }
    }

    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    pub fn seconds(&self) -> i128 {
        i128::from((self.until - self.from).num_seconds())
    }

    /// The part of it that another has too.
    pub(super) fn overlap(&self, other: &Self) -> Option<Self> {
        let part = Self { from: self.from.max(other.from), until: self.until.min(other.until) };
        (part.from < part.until).then_some(part)
    }
}

pub(super) fn midnight(day: NaiveDate) -> Timestamp {
    day.and_time(NaiveTime::MIN).and_utc()
}
