//! What a day cost: by model, by hour, by agent, and by the person who started the run.

use std::collections::BTreeMap;
use std::iter::Sum;

use chrono::{NaiveDate, NaiveTime, Timelike};
use serde::{Deserialize, Serialize};

use super::ended::EndedRuns;
use crate::domain::{Actor, ModelReply, Spent, Timestamp, Usd};
use crate::kinds::{Index, Run};

/// Spending of one UTC day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DaySpend {
    pub by_model: BTreeMap<String, Spending>,
    /// Runs that began on it, of agents and procedures alike, no matter who or what started them. Days that an earlier
    /// version counted lack it until the rows are computed from the log again.
    #[serde(default)]
    pub runs: u64,
    /// Cost in each hour from midnight in UTC, as far as the last one that cost something. Days that an earlier version
    /// counted have none; when the log is counted again, those whose calls were pruned have less.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    by_hour: Vec<Usd>,
    /// By the agent that made the calls. Calls of runs that were pruned or erased, and those that an earlier version
    /// counted, are in no agent's sum.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_agent: BTreeMap<String, Spending>,
    /// By who started the run, in the order of their first calls; with the same gaps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_starter: Vec<StarterSpending>,
    /// By agent, the runs that ended on it; with the same gaps.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ended: BTreeMap<String, EndedRuns>,
    /// What was spent on incidents; with the same gaps.
    #[serde(default, skip_serializing_if = "IncidentSpend::is_none")]
    pub incidents: IncidentSpend,
}

/// Incidents that were resolved on a day, and what the runs cost that were started for incidents and ended on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentSpend {
    pub resolved: u64,
    pub cost: Usd,
    /// Runs among them with a call whose price is not known.
    pub unpriced: u64,
}

impl IncidentSpend {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Counts a run that was started for an incident and has just ended.
    pub fn add(&mut self, run: &Run) {
        self.cost += run.cost;
        self.unpriced += u64::from(run.unpriced_turns > 0);
    }
}

/// What the runs that somebody started cost. The name of the field is one that an erasure replaces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StarterSpending {
    pub started_by: Actor,
    #[serde(flatten)]
    pub spending: Spending,
}

/// Sums over calls of models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
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

    /// Fields that rows of an earlier version lack.
    pub const ADDED: [&str; 1] = ["runs"];

    /// The fields that may differ from what the log says: it no longer has the calls that were pruned, nor whose they
    /// were that were erased.
    pub const MAY_DIFFER: [&str; 5] = ["by_hour", "by_agent", "by_starter", "ended", "incidents"];

    /// Counts a call that was answered at `at`, in a run where it is known.
    pub fn add(&mut self, reply: &ModelReply, at: Timestamp, run: Option<&Run>) {
        if let Some(cost) = reply.cost.filter(|cost| *cost > Usd::ZERO) {
            let hour = at.hour() as usize;
            self.by_hour.resize(self.by_hour.len().max(hour + 1), Usd::ZERO);
            if let Some(spent) = self.by_hour.get_mut(hour) {
                *spent += cost;
            }
        }
        self.by_model.entry(reply.model.clone()).or_default().add(reply);
        if let Some(run) = run {
            self.by_agent.entry(run.agent.clone()).or_default().add(reply);
            self.of_starter(&run.started_by).add(reply);
        }
    }

    /// Counts a run that has just ended.
    pub fn add_end(&mut self, run: &Run) {
        self.ended.entry(run.agent.clone()).or_default().add(run);
    }

    fn of_starter(&mut self, started_by: &Actor) -> &mut Spending {
        let known = self.by_starter.iter().position(|starter| starter.started_by == *started_by);
        let place = known.unwrap_or(self.by_starter.len());
        if known.is_none() {
            self.by_starter.push(StarterSpending { started_by: started_by.clone(), spending: Spending::default() });
        }
        &mut self.by_starter[place].spending
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

    /// Whether a model was called, and not only runs began.
    pub fn has_calls(&self) -> bool {
        self.by_model.values().any(|model| model.calls > 0)
    }

    /// All of it.
    pub fn total(&self) -> Spending {
        self.by_model.values().copied().sum()
    }
}

impl Spending {
    fn add(&mut self, reply: &ModelReply) {
        self.calls += 1;
        if let Some(usage) = reply.usage {
            self.input += usage.input;
            self.cached += usage.cached;
            self.output += usage.output;
        }
        match reply.cost {
            Some(cost) => self.cost += cost,
            None => self.unpriced += 1,
        }
    }

    /// What is left of this without `part`.
    pub fn without(self, part: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(part.calls),
            input: self.input.saturating_sub(part.input),
            cached: self.cached.saturating_sub(part.cached),
            output: self.output.saturating_sub(part.output),
            cost: Usd(self.cost.0.saturating_sub(part.cost.0).max(0)),
            unpriced: self.unpriced.saturating_sub(part.unpriced),
        }
    }
}

impl Sum for Spending {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            calls: sum.calls + part.calls,
            input: sum.input + part.input,
            cached: sum.cached + part.cached,
            output: sum.output + part.output,
            cost: sum.cost + part.cost,
            unpriced: sum.unpriced + part.unpriced,
        })
    }
}
