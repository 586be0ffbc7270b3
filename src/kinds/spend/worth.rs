//! What was had for the money: what an outcome cost on average, and the days that cost far more than usual.

use chrono::NaiveDate;

use super::row::DaySpend;
use super::usage::{Days, Period};
use crate::domain::{Untrusted, Usd};

/// Fewest days with calls that say what is usual.
const FEWEST_DAYS: usize = 7;
/// How many times the median a day costs at least to be unusual, and how many times the median distance from it.
const TIMES_MEDIAN: i128 = 2;
const TIMES_DISTANCE: i128 = 5;

/// One kind of outcome in a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// `successful run of dev`, `pushed change`, `resolved incident`
    pub name: Untrusted,
    pub count: u64,
    /// How many runs ended for it, where those without success were paid as well.
    pub tried: Option<u64>,
    /// What all of them cost. A lower bound where `is_partly_unknown`.
    pub cost: Usd,
    pub is_partly_unknown: bool,
    /// What one cost in as many days before.
    pub each_before: Option<Usd>,
}

/// A day that cost far more than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnusualDay {
    pub day: NaiveDate,
    pub cost: Usd,
    /// The median of the days of the period on which a model was called.
    pub usual: Usd,
}

impl Outcome {
    /// What one cost.
    pub fn each(&self) -> Option<Usd> {
        each(self.cost, self.count)
    }
}

impl Period {
    /// What each kind of outcome cost, those of agents first; what did not happen is left out.
    pub fn outcomes(&self, days: &Days) -> Vec<Outcome> {
        let before = self.before();
        let mut outcomes: Vec<_> =
            self.agents(days).into_iter().map(|agent| self.of_agent(days, &before, agent)).collect();
        outcomes.sort_by_key(|outcome| std::cmp::Reverse(outcome.cost));
        let [pushed, pushed_before] = [self, &before].map(|period| period.sums(days, pushes));
        let [resolved, resolved_before] = [self, &before].map(|period| period.sums(days, resolutions));
        outcomes.push(pushed.outcome("pushed change", &pushed_before));
        outcomes.push(resolved.outcome("resolved incident", &resolved_before));
        outcomes.retain(|outcome| outcome.count > 0 || outcome.tried.is_some_and(|tried| tried > 0));
        outcomes
    }

    /// The days that cost far more than usual, the newest first; none where too few are known.
    pub fn unusual_days(&self, days: &Days) -> Vec<UnusualDay> {
        let costs: Vec<_> =
            self.each(days).filter(|(_, day)| day.has_calls()).map(|(day, spend)| (*day, spend.cost())).collect();
        if costs.len() < FEWEST_DAYS {
            return Vec::new();
        }
        let usual = median(costs.iter().map(|(_, cost)| cost.0).collect());
        let distance = median(costs.iter().map(|(_, cost)| (cost.0 - usual).abs()).collect());
        let (usual_wide, distance) = (i128::from(usual), i128::from(distance));
        let limit = (usual_wide * TIMES_MEDIAN).max(usual_wide + distance * TIMES_DISTANCE);
        let unusual = costs.into_iter().rev().filter(|(_, cost)| i128::from(cost.0) > limit && cost.0 > 0);
        unusual.map(|(day, cost)| UnusualDay { day, cost, usual: Usd(usual) }).collect()
    }

    fn of_agent(&self, days: &Days, before: &Self, agent: String) -> Outcome {
        let ended = self.ended(days, &agent);
        let earlier = before.ended(days, &agent);
        Outcome {
            name: format!("successful run of {agent}").into(),
            count: ended.succeeded,
            tried: Some(ended.runs()),
            cost: ended.cost,
            is_partly_unknown: ended.unpriced > 0,
            each_before: each(earlier.cost, earlier.succeeded),
        }
    }

    /// Agents of which a run that cost something ended in it.
    fn agents(&self, days: &Days) -> Vec<String> {
        let costly = self.each(days).flat_map(|(_, day)| &day.ended);
        let mut agents: Vec<_> = costly
            .filter(|(_, ended)| ended.cost > Usd::ZERO || ended.unpriced > 0)
            .map(|(agent, _)| agent.clone())
            .collect();
        agents.sort();
        agents.dedup();
        agents
    }

    fn sums(&self, days: &Days, of_day: fn(&DaySpend) -> Sums) -> Sums {
        self.each(days).map(|(_, day)| of_day(day)).fold(Sums::default(), |sum, day| Sums {
            count: sum.count + day.count,
            cost: sum.cost + day.cost,
            unpriced: sum.unpriced + day.unpriced,
        })
    }
}

#[derive(Clone, Copy, Default)]
struct Sums {
    count: u64,
    cost: Usd,
    unpriced: u64,
}

impl Sums {
    fn outcome(self, name: &str, before: &Self) -> Outcome {
        Outcome {
            name: name.into(),
            count: self.count,
            tried: None,
            cost: self.cost,
            is_partly_unknown: self.unpriced > 0,
            each_before: each(before.cost, before.count),
        }
    }
}

fn pushes(day: &DaySpend) -> Sums {
    day.ended.values().fold(Sums::default(), |sum, ended| Sums {
        count: sum.count + ended.pushed,
        cost: sum.cost + ended.cost_of_pushed,
        unpriced: sum.unpriced + ended.unpriced,
    })
}

fn resolutions(day: &DaySpend) -> Sums {
    let super::row::IncidentSpend { resolved, cost, unpriced } = day.incidents;
    Sums { count: resolved, cost, unpriced }
}

fn each(cost: Usd, count: u64) -> Option<Usd> {
    i64::try_from(count).ok().filter(|count| *count > 0).map(|count| Usd(cost.0 / count))
}

/// Of an even number, the lower one of the two in the middle.
fn median(mut amounts: Vec<i64>) -> i64 {
    amounts.sort_unstable();
    amounts.get(amounts.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{Actor, FinishReason, ModelReply, RunId, RunState};
    use crate::kinds::Run;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, number).unwrap()
    }

    fn run(agent: &str, state: RunState, (cents, pushes): (i64, u32)) -> Run {
        let spec = serde_json::from_value(serde_json::json!({"goal": "g", "agent": agent, "tools": []})).unwrap();
        let begun = Run::started(RunId(Uuid::nil()), &spec, &Actor::System, chrono::DateTime::UNIX_EPOCH);
        Run { state, pushes, cost: Usd(cents * 10_000_000), ..begun }
    }

    fn called(days: &mut Days, number: u32, cents: i64) {
        let reply = ModelReply {
            model: "m".to_owned(),
            text: Untrusted::default(),
            refusal: None,
            calls: Vec::new(),
            finish: FinishReason::Stop,
            usage: None,
            cost: Some(Usd(cents * 10_000_000)),
            carried: None,
        };
        days.entry(day(number)).or_default().add(&reply, chrono::DateTime::UNIX_EPOCH, None);
    }

    #[test]
    fn a_success_is_charged_with_what_failed_and_a_push_with_its_own_run() {
        let mut days = Days::new();
        let mut ended = |number, run: Run| days.entry(day(number)).or_default().add_end(&run);
        ended(2, run("dev", RunState::Succeeded, (50, 0)));
        ended(12, run("dev", RunState::Succeeded, (100, 1)));
        ended(13, run("dev", RunState::Failed, (40, 0)));
        ended(13, run("dev", RunState::Succeeded, (60, 2)));
        days.entry(day(14)).or_default().incidents.resolved += 2;
        let period = Period::since(day(11), day(20));
        let told: Vec<_> = period
            .outcomes(&days)
            .into_iter()
            .map(|outcome| {
                (outcome.name.raw().to_owned(), outcome.count, outcome.tried, outcome.each(), outcome.each_before)
            })
            .collect();
        let cents = |cents: i64| Some(Usd(cents * 10_000_000));
        let pushed = Some(Usd(160 * 10_000_000 / 3));
        let wanted = [
            ("successful run of dev".to_owned(), 2, Some(3), cents(100), cents(50)),
            ("pushed change".to_owned(), 3, None, pushed, None),
            ("resolved incident".to_owned(), 2, None, cents(0), None),
        ];
        assert_eq!(told, wanted);
        assert!(Period::since(day(21), day(22)).outcomes(&days).is_empty(), "nothing happened then");
    }

    #[test]
    fn a_day_is_unusual_that_stands_far_above_the_others() {
        let mut days = Days::new();
        for (number, cents) in [(1, 100), (2, 110), (3, 90), (4, 100), (5, 105), (6, 400), (8, 95)] {
            called(&mut days, number, cents);
        }
        let month = Period::since(day(1), day(30));
        let cents = |cents: i64| Usd(cents * 10_000_000);
        assert_eq!(month.unusual_days(&days), [UnusualDay { day: day(6), cost: cents(400), usual: cents(100) }]);
        assert!(Period::since(day(2), day(30)).unusual_days(&days).is_empty(), "too few days to say what is usual");
        called(&mut days, 9, 190);
        assert_eq!(month.unusual_days(&days).len(), 1, "not twice the usual");
    }
}
