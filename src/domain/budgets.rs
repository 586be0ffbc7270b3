//! Budgets: what runs together may cost in a day and in a month, in UTC: all of them, those of an agent, those that a
//! person started.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Builder;

use super::actor::Actor;
use super::ids::{ApprovalId, BudgetId, RunId};
use super::money::Usd;
use super::time::Timestamp;

/// The budgets of the configuration when a run started; what is absent is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budgets {
    /// Of all runs.
    #[serde(flatten)]
    pub all: ConfiguredBudget,
    /// Of the runs of an agent, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub agents: BTreeMap<String, ConfiguredBudget>,
    /// Of the runs that a person started, by their name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub people: BTreeMap<String, ConfiguredBudget>,
}

/// What some runs may cost, as a file says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfiguredBudget {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Usd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<Usd>,
    pub once_used_up: OnceUsedUp,
}

/// What happens once a budget is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnceUsedUp {
    /// Agents make no more calls of models: their runs pause.
    #[default]
    Pause,
    /// People are told, and nothing is stopped.
    Warn,
}

/// What a budget is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BudgetPeriod {
    /// A day in UTC.
    #[default]
    Day,
    /// A month in UTC.
    Month,
}

/// Whose runs a budget is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BudgetScope {
    #[default]
    All,
    Agent(String),
    /// Who started them.
    Person(String),
}

/// A budget that a run was paused by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverBudget {
    #[serde(default, skip_serializing_if = "BudgetScope::is_all")]
    pub scope: BudgetScope,
    pub period: BudgetPeriod,
    /// What its runs together had cost in it by then.
    pub spent: Usd,
    /// The request by which people are asked to raise it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<ApprovalId>,
}

/// What people are offered when a budget pauses a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetOffer {
    pub scope: BudgetScope,
    pub period: BudgetPeriod,
    /// What it is raised to, for good.
    pub raised: Usd,
}

/// What they can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetAnswer {
    /// This run gets more, in this day or month.
    RaiseOnce,
    /// The budget itself gets higher.
    RaiseForGood,
    /// The run is cancelled.
    Stop,
}

impl BudgetAnswer {
    pub const ALL: [Self; 3] = [Self::RaiseOnce, Self::RaiseForGood, Self::Stop];

    pub fn name(self) -> &'static str {
        match self {
            Self::RaiseOnce => "raise once",
            Self::RaiseForGood => "raise for good",
            Self::Stop => "stop",
        }
    }

    /// By its name, or by its place among the choices, from 1.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let is_meant = |(place, answer): &(usize, Self)| text == answer.name() || text == place.to_string();
        (1..).zip(Self::ALL).find(is_meant).map(|(_, answer)| answer)
    }
}

impl BudgetId {
    /// There is one budget for each scope and period, and it is found without a search.
    pub fn of(scope: &BudgetScope, period: BudgetPeriod) -> Self {
        let (kind, name) = match scope {
            BudgetScope::All => ("all", ""),
            BudgetScope::Agent(name) => ("agent", name.as_str()),
            BudgetScope::Person(name) => ("person", name.as_str()),
        };
        let mut hash = Sha256::new();
        for part in [kind, name, period.name()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut tail = [0; 10];
        tail.copy_from_slice(&hash.finalize()[..10]);
        Self(Builder::from_unix_timestamp_millis(Self::SINCE, &tail).into_uuid())
    }
}

impl ApprovalId {
    /// That of the request which goes with the pause of a run by a budget, which is that event of the run.
    pub fn of_pause(run: RunId, version: u64, at: Timestamp) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"budget");
        hash.update(run.0);
        hash.update(version.to_be_bytes());
        let mut tail = [0; 10];
        tail.copy_from_slice(&hash.finalize()[..10]);
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
        Self(Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
    }
}

impl Budgets {
    pub fn of_scope(&self, scope: &BudgetScope) -> ConfiguredBudget {
        let found = match scope {
            BudgetScope::All => Some(&self.all),
            BudgetScope::Agent(name) => self.agents.get(name),
            BudgetScope::Person(name) => self.people.get(name),
        };
        found.copied().unwrap_or_default()
    }

    /// Every scope that has a budget, all runs first.
    pub fn scopes(&self) -> Vec<BudgetScope> {
        let agents = self.agents.keys().cloned().map(BudgetScope::Agent);
        let people = self.people.keys().cloned().map(BudgetScope::Person);
        std::iter::once(BudgetScope::All).chain(agents).chain(people).collect()
    }

    pub fn is_none(&self) -> bool {
        self.all.is_none() && self.agents.is_empty() && self.people.is_empty()
    }

    /// Those that hold for a run of `agent` that `by` started: nobody else's name is kept with it.
    pub fn keep_for(&mut self, agent: &str, by: &Actor) {
        self.agents.retain(|name, _| name == agent);
        let person = BudgetScope::of_person(by);
        self.people.retain(|name, _| person == Some(BudgetScope::Person(name.clone())));
    }
}

impl ConfiguredBudget {
    pub fn of(&self, period: BudgetPeriod) -> Option<Usd> {
        match period {
            BudgetPeriod::Day => self.day,
            BudgetPeriod::Month => self.month,
        }
    }

    pub fn is_none(&self) -> bool {
        self.day.is_none() && self.month.is_none()
    }
}

impl BudgetScope {
    pub fn of_person(by: &Actor) -> Option<Self> {
        let Actor::Person(name) = by else { return None };
        Some(Self::Person(name.clone()))
    }

    /// Those that a run of `agent` counts in which `by` started.
    pub fn of_run(agent: &str, by: &Actor) -> impl Iterator<Item = Self> {
        [Self::All, Self::Agent(agent.to_owned())].into_iter().chain(Self::of_person(by))
    }

    pub fn is_all(&self) -> bool {
        *self == Self::All
    }

    /// ` of agent dev`, ` of ana`; nothing for all runs.
    pub fn of(&self) -> String {
        match self {
            Self::All => String::new(),
            Self::Agent(name) => format!(" of agent {name}"),
            Self::Person(name) => format!(" of {name}"),
        }
    }
}

impl BudgetPeriod {
    pub const ALL: [Self; 2] = [Self::Day, Self::Month];

    /// `today`, `this month`.
    pub fn now(self) -> &'static str {
        match self {
            Self::Day => "today",
            Self::Month => "this month",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// Whether both days lie in the same one.
    pub fn has_both(self, one: NaiveDate, other: NaiveDate) -> bool {
        match self {
            Self::Day => one == other,
            Self::Month => (one.year(), one.month()) == (other.year(), other.month()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_of_before_are_read_and_written_as_they_were() {
        let old = r#"{"day":5,"once_used_up":"warn"}"#;
        let budgets: Budgets = serde_json::from_str(old).unwrap();
        assert_eq!(budgets.all, ConfiguredBudget { day: Some(Usd(5)), month: None, once_used_up: OnceUsedUp::Warn });
        assert_eq!(serde_json::to_string(&budgets).unwrap(), old);
        let over: OverBudget = serde_json::from_str(r#"{"period":"day","spent":7}"#).unwrap();
        assert_eq!(over, OverBudget { scope: BudgetScope::All, period: BudgetPeriod::Day, spent: Usd(7), asked: None });
    }

    #[test]
    fn each_scope_and_period_has_one_id() {
        let ana = || "ana".to_owned();
        let scopes = [BudgetScope::All, BudgetScope::Agent(ana()), BudgetScope::Person(ana())];
        let ids: std::collections::BTreeSet<_> =
            scopes.iter().flat_map(|scope| BudgetPeriod::ALL.map(|period| BudgetId::of(scope, period))).collect();
        assert_eq!(ids.len(), 6);
        let again = BudgetId::of(&BudgetScope::Agent(ana()), BudgetPeriod::Month);
        assert_eq!(again.to_string(), "01938000-0000-799e-95e1-d0a9b8e4574d");
        assert_eq!(again.0.get_version_num(), 7);
    }

    #[test]
    fn an_answer_is_a_choice_or_its_number() {
        let read = [" Raise once ", "2", "stop", "raise", "0", "4", ""].map(BudgetAnswer::read);
        let [once, for_good, stop] = BudgetAnswer::ALL.map(Some);
        assert_eq!(read, [once, for_good, stop, None, None, None, None]);
    }

    #[test]
    fn a_run_keeps_the_budgets_that_hold_for_it_and_nobody_elses_name() {
        let some = ConfiguredBudget { day: Some(Usd(1)), ..ConfiguredBudget::default() };
        let named = |names: [&str; 2]| names.map(|name| (name.to_owned(), some)).into_iter().collect();
        let budgets = Budgets { all: some, agents: named(["dev", "ops"]), people: named(["ana", "bo"]) };
        let mut kept = budgets.clone();
        kept.keep_for("dev", &Actor::Person("ana".to_owned()));
        assert_eq!(
            kept.scopes(),
            [BudgetScope::All, BudgetScope::Agent("dev".to_owned()), BudgetScope::Person("ana".to_owned())]
        );
        let mut kept = budgets;
        kept.keep_for("ops", &Actor::System);
        assert_eq!(kept.scopes(), [BudgetScope::All, BudgetScope::Agent("ops".to_owned())]);
    }
}
