//! What a day cost, by model and by hour.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime, Timelike};
use serde::{Deserialize, Serialize};

use crate::domain::{ModelReply, Spent, Timestamp, Usd};
use crate::kinds::Index;

/// Spending of one UTC day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DaySpend {
    pub by_model: BTreeMap<String, ModelSpend>,
    /// Cost in each hour from midnight in UTC, as far as the last one that cost something. Days that an earlier version
    /// counted have none; when the log is counted again, those whose calls were pruned have less.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    by_hour: Vec<Usd>,
}

/// Spending on one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelSpend {
    pub calls: u64,
    pub input: u64,
    pub cached: u64,
    pub output: u64,
    pub cost: Usd,
    /// Calls whose price is not known; `cost` is then a lower bound.
    pub unpriced: u64,
}

impl DaySpend {
    /// What the row of a day is found by.
    pub fn index(day: NaiveDate) -> Index {
        let midnight = day.and_time(NaiveTime::MIN).and_utc();
        Index { is_open: false, sort: midnight, state: "", parent: None, due: None }
    }

    /// The field that may differ from what the log says.
    pub const BY_HOUR: &str = "by_hour";

    /// Counts a call that was answered at `at`.
    pub fn add(&mut self, reply: &ModelReply, at: Timestamp) {
        if let Some(cost) = reply.cost.filter(|cost| *cost > Usd::ZERO) {
            let hour = at.hour() as usize;
            self.by_hour.resize(self.by_hour.len().max(hour + 1), Usd::ZERO);
            if let Some(spent) = self.by_hour.get_mut(hour) {
                *spent += cost;
            }
        }
        let model = self.by_model.entry(reply.model.clone()).or_default();
        model.calls += 1;
        if let Some(usage) = reply.usage {
            model.input += usage.input;
            model.cached += usage.cached;
            model.output += usage.output;
        }
        match reply.cost {
            Some(cost) => model.cost += cost,
            None => model.unpriced += 1,
        }
    }

    /// Sums of calls that the log no longer has.
    pub fn add_spent(&mut self, spent: &Spent) {
        let model = self.by_model.entry(spent.model.clone()).or_default();
        model.calls += spent.calls;
        model.input += spent.input;
        model.cached += spent.cached;
        model.output += spent.output;
        model.cost += spent.cost;
        model.unpriced += spent.unpriced;
    }

    /// The same sums, to be kept without the calls.
    pub fn spent_on(&self, day: NaiveDate) -> impl Iterator<Item = Spent> {
        self.by_model.iter().map(move |(model, spend)| Spent {
            day,
            model: model.clone(),
            calls: spend.calls,
            input: spend.input,
            cached: spend.cached,
            output: spend.output,
            cost: spend.cost,
            unpriced: spend.unpriced,
        })
    }

    /// Cost in an hour, by its number in UTC.
    pub fn in_hour(&self, hour: u32) -> Option<Usd> {
        self.by_hour.get(hour as usize).copied().filter(|cost| *cost > Usd::ZERO)
    }

    pub fn cost(&self) -> Usd {
        self.by_model.values().map(|model| model.cost).sum()
    }

    pub fn unpriced(&self) -> u64 {
        self.by_model.values().map(|model| model.unpriced).sum()
    }
}
