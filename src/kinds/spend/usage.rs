//! What days of spending add up to, over a period and by whom or what.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::{Datelike, Days as DayCount, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ended::EndedRuns;
use super::row::{DaySpend, Spending, StarterSpending};
use crate::domain::{Actor, BudgetPeriod, BudgetScope, Untrusted};

/// Spending by UTC day.
pub type Days = BTreeMap<NaiveDate, DaySpend>;

/// Days from one to another, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period(RangeInclusive<NaiveDate>);

/// By what usage is told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UsageBy {
    #[default]
    Agent,
    Model,
    /// The person who started the run.
    Person,
    Run,
    Day,
}

/// One row of usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageLine {
    pub name: Untrusted,
    pub spending: Spending,
}

impl UsageBy {
    pub const ALL: [Self; 5] = [Self::Agent, Self::Model, Self::Person, Self::Run, Self::Day];

    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Model => "model",
            Self::Person => "person",
            Self::Run => "run",
            Self::Day => "day",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.name() == name)
    }
}

/// The first day on which a model was called.
pub fn first_called(days: &Days) -> Option<NaiveDate> {
    days.iter().find(|(_, day)| day.has_calls()).map(|(day, _)| *day)
}

impl Period {
    /// The name of what is in no agent's or person's sum: its runs are gone, or an earlier version counted it.
    pub const NOT_RECORDED: &str = "(not recorded)";

    pub fn since(first: NaiveDate, today: NaiveDate) -> Self {
        Self(first.min(today)..=today)
    }

    /// The last days, today included.
    pub fn last(count: u64, today: NaiveDate) -> Self {
        Self::since(today.checked_sub_days(DayCount::new(count.saturating_sub(1))).unwrap_or(today), today)
    }

    /// What a budget is for, as far as it is over.
    pub fn of(budget: BudgetPeriod, today: NaiveDate) -> Self {
        match budget {
            BudgetPeriod::Day => Self::last(1, today),
            BudgetPeriod::Month => Self::month(today),
        }
    }

    /// The month so far.
    pub fn month(today: NaiveDate) -> Self {
        Self::since(today.with_day(1).unwrap_or(today), today)
    }

    /// As many days, right before it.
    pub fn before(&self) -> Self {
        let count = self.0.end().signed_duration_since(*self.0.start()).num_days().unsigned_abs() + 1;
        let last = self.0.start().pred_opt().unwrap_or(*self.0.start());
        Self::last(count, last)
    }

    /// Its days, as far as anything is known of them.
    pub(super) fn each<'a>(&self, days: &'a Days) -> impl DoubleEndedIterator<Item = (&'a NaiveDate, &'a DaySpend)> {
        days.range(self.0.clone())
    }

    pub fn first(&self) -> NaiveDate {
        *self.0.start()
    }

    pub fn contains(&self, day: NaiveDate) -> bool {
        self.0.contains(&day)
    }

    /// All that was spent in it.
    pub fn total(&self, days: &Days) -> Spending {
        self.each(days).map(|(_, day)| day.total()).sum()
    }

    /// Runs that began in it.
    pub fn runs(&self, days: &Days) -> u64 {
        self.each(days).map(|(_, day)| day.runs).sum()
    }

    /// The runs of an agent that ended in it.
    pub fn ended(&self, days: &Days, agent: &str) -> EndedRuns {
        self.each(days).filter_map(|(_, day)| day.ended.get(agent)).cloned().sum()
    }

    /// What was spent in it by the runs that a budget is for.
    pub fn spent_by(&self, days: &Days, scope: &BudgetScope) -> Spending {
        let of_day = |day: &DaySpend| match scope {
            BudgetScope::All => day.total(),
            BudgetScope::Agent(agent) => day.by_agent.get(agent).copied().unwrap_or_default(),
            BudgetScope::Person(name) => {
                let is_theirs = |starter: &&StarterSpending| starter.started_by == Actor::Person(name.clone());
                day.by_starter.iter().filter(is_theirs).map(|starter| starter.spending).sum()
            }
        };
        self.each(days).map(|(_, day)| of_day(day)).sum()
    }

    /// The same by one of its sides, the largest first; days the newest first. Runs are not told apart in the sums of
    /// days.
    pub fn lines(&self, days: &Days, by: UsageBy) -> Vec<UsageLine> {
        let mut sums: BTreeMap<String, Spending> = BTreeMap::new();
        let mut add = |name: &str, spending: Spending| {
            let sum = sums.entry(name.to_owned()).or_default();
            *sum = [*sum, spending].into_iter().sum();
        };
        for (_, day) in self.each(days) {
            match by {
                UsageBy::Agent => day.by_agent.iter().for_each(|(agent, spending)| add(agent, *spending)),
                UsageBy::Model => day.by_model.iter().for_each(|(model, spending)| add(model, *spending)),
                UsageBy::Person => {
                    day.by_starter.iter().for_each(|starter| add(starter.started_by.name(), starter.spending));
                }
                UsageBy::Run | UsageBy::Day => {}
            }
        }
        let named = |(name, spending): (String, Spending)| UsageLine { name: name.into(), spending };
        let mut lines: Vec<_> = sums.into_iter().map(named).collect();
        lines.sort_by_key(|line| std::cmp::Reverse((line.spending.cost, line.spending.calls)));
        match by {
            UsageBy::Agent | UsageBy::Person => {
                let known: Spending = lines.iter().map(|line| line.spending).sum();
                let rest = self.total(days).without(known);
                if rest.calls > 0 {
                    lines.push(UsageLine { name: Self::NOT_RECORDED.into(), spending: rest });
                }
            }
            UsageBy::Day => {
                let line = |(day, spend): (&NaiveDate, &DaySpend)| UsageLine {
                    name: day.to_string().into(),
                    spending: spend.total(),
                };
                let called = self.each(days).rev().filter(|(_, spend)| spend.has_calls());
                lines.extend(called.map(line));
            }
            UsageBy::Model | UsageBy::Run => {}
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{FinishReason, ModelReply, RunId, Spent, Usage, Usd};
    use crate::kinds::Run;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, number).unwrap()
    }

    fn run(agent: &str, by: &str) -> Run {
        let spec = serde_json::from_value(serde_json::json!({"goal": "g", "agent": agent, "tools": []})).unwrap();
        Run::started(RunId(Uuid::nil()), &spec, &Actor::Person(by.to_owned()), chrono::DateTime::UNIX_EPOCH)
    }

    fn reply(model: &str, cost: Option<i64>) -> ModelReply {
        let usage = Some(Usage { input: 10, cached: 4, output: 1 });
        ModelReply {
            model: model.to_owned(),
            text: Untrusted::default(),
            refusal: None,
            calls: Vec::new(),
            finish: FinishReason::Stop,
            usage,
            cost: cost.map(Usd),
            carried: None,
        }
    }

    fn days() -> Days {
        let mut days = Days::new();
        let mut add = |number, run: Option<&Run>, reply: &ModelReply| {
            days.entry(day(number)).or_default().add(reply, chrono::DateTime::UNIX_EPOCH, run);
        };
        add(1, Some(&run("dev", "ana")), &reply("small", Some(3)));
        add(2, Some(&run("ops", "ana")), &reply("large", Some(50)));
        add(2, Some(&run("dev", "bo")), &reply("small", None));
        add(4, None, &reply("small", Some(7)));
        days
    }

    fn told(lines: &[UsageLine]) -> Vec<(&str, i64, u64)> {
        lines.iter().map(|line| (line.name.raw(), line.spending.cost.0, line.spending.calls)).collect()
    }

    #[test]
    fn each_side_adds_up_to_the_whole() {
        let (days, period) = (days(), Period::since(day(1), day(4)));
        let agents = period.lines(&days, UsageBy::Agent);
        assert_eq!(told(&agents), [("ops", 50, 1), ("dev", 3, 2), (Period::NOT_RECORDED, 7, 1)]);
        let people = period.lines(&days, UsageBy::Person);
        assert_eq!(told(&people), [("ana", 53, 2), ("bo", 0, 1), (Period::NOT_RECORDED, 7, 1)]);
        assert_eq!(told(&period.lines(&days, UsageBy::Model)), [("large", 50, 1), ("small", 10, 3)]);
        let by_day = period.lines(&days, UsageBy::Day);
        assert_eq!(told(&by_day), [("2026-11-04", 7, 1), ("2026-11-02", 50, 2), ("2026-11-01", 3, 1)]);
        for by in [UsageBy::Agent, UsageBy::Person, UsageBy::Model, UsageBy::Day] {
            let sum: Spending = period.lines(&days, by).iter().map(|line| line.spending).sum();
            assert_eq!(sum, period.total(&days), "{by:?}");
        }
    }

    #[test]
    fn a_period_is_of_whole_days_and_has_both_its_ends() {
        let days = days();
        assert_eq!(Period::last(1, day(4)).total(&days).cost, Usd(7));
        assert_eq!(Period::last(3, day(4)).total(&days).cost, Usd(57));
        assert_eq!(Period::month(day(2)).total(&days).cost, Usd(53));
        assert_eq!(Period::since(day(9), day(4)).first(), day(4));
    }

    #[test]
    fn a_row_of_before_is_read_and_sums_of_pruned_calls_are_in_nobodys() {
        let old = r#"{"by_model":{"small":{"calls":1,"input":2,"cached":0,"output":1,"cost":5,"unpriced":0}}}"#;
        let mut spend: DaySpend = serde_json::from_str(old).unwrap();
        let spent = Spent {
            day: day(1),
            model: "small".to_owned(),
            calls: 2,
            input: 0,
            cached: 0,
            output: 0,
            cost: Usd(4),
            unpriced: 0,
        };
        spend.add_spent(&spent);
        let days = Days::from([(day(1), spend)]);
        let lines = Period::last(1, day(1)).lines(&days, UsageBy::Agent);
        assert_eq!(told(&lines), [(Period::NOT_RECORDED, 9, 3)]);
    }

    #[test]
    fn who_started_a_run_is_stored_under_a_name_that_an_erasure_replaces() {
        let mut spend = DaySpend::default();
        spend.add(&reply("small", Some(1)), chrono::DateTime::UNIX_EPOCH, Some(&run("dev", "ana")));
        let json = serde_json::to_string(&spend).unwrap();
        assert!(json.contains(r#""started_by":"person:ana""#), "{json}");
        assert_eq!(serde_json::from_str::<DaySpend>(&json).unwrap(), spend);
    }
}
