//! What a run is likely to cost from here to its end, by the runs of its agent that have ended.

use chrono::NaiveDate;

use super::ended::EndedRuns;
use super::usage::{Days, Period};
use crate::domain::Usd;
use crate::kinds::Run;

/// Days whose runs it is compared with, today included.
const LOOKED_AT: u64 = 90;
/// Fewest runs that say anything.
const FEWEST: u64 = 5;

/// What it takes to finish a run: half of the runs like it took no more than `p50`, and 19 of 20 no more than `p95`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToFinish {
    pub p50: Usd,
    pub p95: Usd,
    /// Runs of the same agent that had cost as much and went on.
    pub from_runs: u64,
}

impl ToFinish {
    /// `None` for a run that calls no model or has ended, where a price is not known, or where too few runs are like it.
    pub fn of(days: &Days, run: &Run, today: NaiveDate) -> Option<Self> {
        if run.is_procedure || run.ended_at.is_some() || run.unpriced_turns > 0 {
            return None;
        }
        let ended: EndedRuns = Period::last(LOOKED_AT, today).ended(days, &run.agent);
        let dearer: Vec<_> = ended.dearer_than(run.cost).collect();
        let from_runs = dearer.iter().map(|(_, runs)| runs).sum::<u64>();
        if from_runs < FEWEST {
            return None;
        }
        let quantile = |percent: u64| {
            let wanted = (from_runs * percent).div_ceil(100);
            let mut counted = 0;
            let found = dearer.iter().find(|(_, runs)| {
                counted += runs;
                counted >= wanted
            });
            found.map(|(most, _)| Usd(most.0 - run.cost.0))
        };
        Some(Self { p50: quantile(50)?, p95: quantile(95)?, from_runs })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{Actor, RunId, RunState};

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 30).unwrap()
    }

    fn run(agent: &str, cents: i64) -> Run {
        let spec = serde_json::from_value(serde_json::json!({"goal": "g", "agent": agent, "tools": []})).unwrap();
        let begun = Run::started(RunId(Uuid::nil()), &spec, &Actor::System, chrono::DateTime::UNIX_EPOCH);
        Run { cost: Usd(cents * 10_000_000), ..begun }
    }

    fn ended(agent: &str, cents: &[i64]) -> Days {
        let mut days = Days::new();
        for cents in cents {
            let run = Run { state: RunState::Succeeded, ..run(agent, *cents) };
            days.entry(day()).or_default().add_end(&run);
        }
        days
    }

    #[test]
    fn runs_that_had_cost_as_much_and_went_on_say_what_is_to_come() {
        let days = ended("dev", &[10, 20, 100, 100, 100, 110, 500]);
        let rest = ToFinish::of(&days, &run("dev", 50), day()).unwrap();
        assert_eq!(rest.from_runs, 5);
        let near = |amount: Usd, cents: i64| {
            let (least, most) = (cents * 10_000_000, (cents + 50) * 11_250_000 - 500_000_000);
            assert!((least..=most).contains(&amount.0), "{amount:?} for {cents} cents");
        };
        near(rest.p50, 50);
        near(rest.p95, 450);
    }

    #[test]
    fn too_few_runs_another_agents_and_unknown_prices_say_nothing() {
        let days = ended("dev", &[100; 5]);
        assert!(ToFinish::of(&days, &run("dev", 0), day()).is_some());
        assert_eq!(ToFinish::of(&days, &run("ops", 0), day()), None);
        assert_eq!(ToFinish::of(&days, &run("dev", 200), day()), None, "none had cost as much and went on");
        assert_eq!(ToFinish::of(&ended("dev", &[100; 4]), &run("dev", 0), day()), None);
        assert_eq!(ToFinish::of(&days, &Run { unpriced_turns: 1, ..run("dev", 0) }, day()), None);
    }
}
