//! What model calls cost, hour by hour, as this console heard of them: the store sums by day alone.

use std::collections::BTreeMap;

use crate::domain::{Timestamp, Usd};

const SECONDS: i64 = 3_600;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hours {
    by_hour: BTreeMap<i64, Usd>,
}

impl Hours {
    /// Hours that are shown.
    pub const MOST: i64 = 24;

    pub fn spent(&mut self, at: Timestamp, cost: Usd) {
        *self.by_hour.entry(at.timestamp().div_euclid(SECONDS)).or_default() += cost;
        while self.by_hour.len() > Self::MOST as usize {
            self.by_hour.pop_first();
        }
    }

    /// Each hour from the first that was heard of until `now`, a day at most; none before anything was spent.
    pub fn until(&self, now: Timestamp) -> Vec<Usd> {
        let last = now.timestamp().div_euclid(SECONDS);
        let Some(first) = self.by_hour.keys().next() else { return Vec::new() };
        let first = (*first).max(last + 1 - Self::MOST);
        (first..=last).map(|hour| self.by_hour.get(&hour).copied().unwrap_or_default()).collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn hours_without_calls_are_there_too() {
        let at = Timestamp::from_timestamp(1_795_488_430, 0).unwrap();
        let mut hours = Hours::default();
        assert_eq!(hours.until(at), []);
        for (after, cost) in [(0, 3), (1, 4), (120, 5)] {
            hours.spent(at + TimeDelta::minutes(after), Usd(cost));
        }
        assert_eq!(hours.until(at + TimeDelta::minutes(180)), [7, 0, 5, 0].map(Usd));
        assert_eq!(hours.until(at + TimeDelta::days(9)).len(), 24);
    }
}
