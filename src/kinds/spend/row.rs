//! What a day cost, by model.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

use crate::domain::{ModelReply, Spent, Usd};
use crate::kinds::Index;

/// Spending of one UTC day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DaySpend {
    pub by_model: BTreeMap<String, ModelSpend>,
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

    pub fn add(&mut self, reply: &ModelReply) {
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

    pub fn cost(&self) -> Usd {
        self.by_model.values().map(|model| model.cost).sum()
    }

    pub fn unpriced(&self) -> u64 {
        self.by_model.values().map(|model| model.unpriced).sum()
    }
}
