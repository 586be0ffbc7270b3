//! Limits of runs as files state them; what is left out keeps its default.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::domain::{Budgets, ConfiguredBudget, DURATION_FORM, Limits, OnceUsedUp, Usd, parse_duration};

/// The `[limits]` section of the configuration, and `limits:` of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunLimits {
    /// Model turns.
    pub turns: Option<u32>,
    /// Input and output tokens together.
    pub tokens: Option<u64>,
    /// Dollars as text, `"2.50"`: a float would not be exact.
    #[serde(deserialize_with = "dollars")]
    pub cost_usd: Option<Usd>,
    /// Working time, `"90m"`; waiting for a person does not count. In seconds.
    #[serde(deserialize_with = "seconds")]
    pub time: Option<u64>,
    /// Bytes of tool output stored.
    pub output_bytes: Option<u64>,
}

impl RunLimits {
    /// These, and `base` where they say nothing.
    pub fn over(&self, base: &Limits) -> Limits {
        Limits {
            turns: self.turns.unwrap_or(base.turns),
            tokens: self.tokens.unwrap_or(base.tokens),
            cost: self.cost_usd.unwrap_or(base.cost),
            seconds: self.time.unwrap_or(base.seconds),
            output_bytes: self.output_bytes.unwrap_or(base.output_bytes),
            budgets: base.budgets.clone(),
            quota: base.quota.clone(),
        }
    }
}

/// The `[budgets]` section: what all runs together may cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetsSection {
    /// In a day of UTC; dollars as text.
    #[serde(deserialize_with = "dollars")]
    day: Option<Usd>,
    /// In a month of UTC.
    #[serde(deserialize_with = "dollars")]
    month: Option<Usd>,
    /// Only tell people, and stop nothing.
    soft: bool,
    /// What the runs of an agent may cost, by its name.
    agents: BTreeMap<String, BudgetSection>,
    /// What the runs that a person started may cost, by their name.
    people: BTreeMap<String, BudgetSection>,
}

/// The same of one agent or person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct BudgetSection {
    #[serde(deserialize_with = "dollars")]
    day: Option<Usd>,
    #[serde(deserialize_with = "dollars")]
    month: Option<Usd>,
    soft: bool,
}

impl BudgetsSection {
    pub fn budgets(&self) -> Budgets {
        let Self { day, month, soft, agents, people } = self;
        let named = |sections: &BTreeMap<String, BudgetSection>| {
            sections.iter().map(|(name, section)| (name.clone(), section.budget())).collect()
        };
        let all = BudgetSection { day: *day, month: *month, soft: *soft }.budget();
        Budgets { all, agents: named(agents), people: named(people) }
    }
}

impl BudgetSection {
    fn budget(self) -> ConfiguredBudget {
        let once_used_up = if self.soft { OnceUsedUp::Warn } else { OnceUsedUp::Pause };
        ConfiguredBudget { day: self.day, month: self.month, once_used_up }
    }
}

/// Dollars as text.
pub(super) fn dollars<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Usd>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Usd::parse(&text)
        .map(Some)
        .ok_or_else(|| D::Error::custom("an amount of dollars is written as text, like \"2.50\""))
}

/// A span of time as text, in seconds.
pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let time = parse_duration(&text).ok_or_else(|| D::Error::custom(format!("a time is {DURATION_FORM}")))?;
    Ok(Some(time.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_keeps_its_default() {
        let limits: RunLimits = toml::from_str("turns = 3\ncost_usd = \"0.25\"\ntime = \"5m\"").unwrap();
        let expected = Limits { turns: 3, cost: Usd(250_000_000), seconds: 300, ..Limits::default() };
        assert_eq!(limits.over(&Limits::default()), expected);
        assert_eq!(RunLimits::default().over(&expected), expected);
    }

    #[test]
    fn budgets_stop_unless_they_are_soft() {
        let read = |text: &str| toml::from_str::<BudgetsSection>(text).map(|section| section.budgets());
        let hard = ConfiguredBudget { day: Some(Usd(25_000_000_000)), month: None, once_used_up: OnceUsedUp::Pause };
        assert_eq!(read("day = \"25.00\"").unwrap(), Budgets { all: hard, ..Budgets::default() });
        assert_eq!(read("month = \"300\"\nsoft = true").unwrap().all.once_used_up, OnceUsedUp::Warn);
        let scoped = read("[agents.dev]\nday = \"25\"\n[people.ana]\nmonth = \"1\"\nsoft = true").unwrap();
        assert_eq!((scoped.agents["dev"], scoped.all), (hard, ConfiguredBudget::default()));
        assert_eq!(scoped.people["ana"].once_used_up, OnceUsedUp::Warn);
        for bad in [
            "[agents.dev]\nweek = \"1\"",
            "[agent.dev]\nday = \"1\"",
            "[people.ana]\nday = \"-1\"",
            "day = 25.0",
            "day = \"-1\"",
            "week = \"1\"",
            "soft = 1",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn money_is_exact_text_and_never_negative() {
        for bad in ["cost_usd = 2.5", "cost_usd = \"-1\"", "cost_usd = \"cheap\"", "time = \"soon\"", "time = 5"] {
            assert!(toml::from_str::<RunLimits>(bad).is_err(), "{bad}");
        }
    }
}
