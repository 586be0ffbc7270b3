//! What the runs that ended on a day had cost: how many there were, how they ended, and about how much each came to.

use std::collections::BTreeMap;
use std::iter::Sum;

use serde::{Deserialize, Serialize};

use crate::domain::{RunState, Usd};
use crate::kinds::Run;

/// Steps of an octave that costs are told apart by: 8 of them are within 13 % of each other.
const STEPS: u32 = 8;

/// Runs of one agent that ended on one day, with all they cost since they began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndedRuns {
    pub succeeded: u64,
    pub failed: u64,
    pub cancelled: u64,
    /// Of all of them. A lower bound where `unpriced` is not 0.
    pub cost: Usd,
    /// Runs with a call whose price is not known.
    #[serde(skip_serializing_if = "is_zero")]
    pub unpriced: u64,
    /// Changes that they pushed, and what the runs cost that pushed any.
    #[serde(skip_serializing_if = "is_zero")]
    pub pushed: u64,
    #[serde(skip_serializing_if = "Usd::is_zero")]
    pub cost_of_pushed: Usd,
    /// How many of those that came to an end by themselves cost about as much. Those of unknown cost are left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    by_cost: BTreeMap<u32, u64>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl EndedRuns {
    pub(super) fn add(&mut self, run: &Run) {
        match run.state {
            RunState::Succeeded => self.succeeded += 1,
            RunState::Cancelled => self.cancelled += 1,
            _ => self.failed += 1,
        }
        self.cost += run.cost;
        if run.pushes > 0 {
            self.pushed += u64::from(run.pushes);
            self.cost_of_pushed += run.cost;
        }
        if run.unpriced_turns > 0 {
            self.unpriced += 1;
        } else if run.state != RunState::Cancelled && run.cost > Usd::ZERO {
            *self.by_cost.entry(step(run.cost)).or_default() += 1;
        }
    }

    /// Runs that ended, however they did.
    pub fn runs(&self) -> u64 {
        self.succeeded + self.failed + self.cancelled
    }

    /// Runs that cost more than `cost`, as far as the steps tell them apart: the most that those of a step can have cost,
    /// and how many there are, the cheapest first.
    pub(super) fn dearer_than(&self, cost: Usd) -> impl Iterator<Item = (Usd, u64)> {
        self.by_cost.iter().map(|(step, runs)| (most(*step), *runs)).filter(move |(most, _)| *most > cost)
    }
}

impl Sum for EndedRuns {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |mut sum, part| {
            sum.succeeded += part.succeeded;
            sum.failed += part.failed;
            sum.cancelled += part.cancelled;
            sum.cost += part.cost;
            sum.unpriced += part.unpriced;
            sum.pushed += part.pushed;
            sum.cost_of_pushed += part.cost_of_pushed;
            part.by_cost.iter().for_each(|(step, runs)| *sum.by_cost.entry(*step).or_default() += runs);
            sum
        })
    }
}

/// The step that a cost lies in.
fn step(cost: Usd) -> u32 {
    let nanos = cost.0.max(1).unsigned_abs();
    let octave = nanos.ilog2();
    let within = (u128::from(nanos) * u128::from(STEPS) >> octave) as u32 - STEPS;
    octave * STEPS + within
}

/// The most that lies in a step.
fn most(step: u32) -> Usd {
    let (octave, within) = (step / STEPS, step % STEPS);
    let next = (u128::from(STEPS + within + 1) << octave.min(63)) / u128::from(STEPS);
    Usd(i64::try_from(next.saturating_sub(1)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cost_lies_in_its_step_and_the_step_is_narrow(nanos in 1..i64::MAX) {
            let cost = Usd(nanos);
            let most = most(step(cost));
            prop_assert!(most >= cost);
            prop_assert!(most.0 as f64 <= nanos as f64 * 1.125 + 1.0, "{most:?}");
        }

        #[test]
        fn steps_are_in_the_order_of_costs(one in 1..i64::MAX, other in 1..i64::MAX) {
            prop_assert_eq!(one.min(other) == one || step(Usd(one)) >= step(Usd(other)), true);
        }
    }
}
