//! What plans differ in beside numbers: the one table of features, and the one question whether a plan has one.

use std::fmt;

use super::account::Account;
use crate::domain::Timestamp;

/// What a plan may include.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Agents of the user's own.
    CustomAgents,
    /// The HTTP interface, for programs.
    ApiAccess,
    /// A store and a server of one's own.
    OnPremises,
}

/// Why a feature is not there, and which plan has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureRefused {
    pub feature: Feature,
    /// Title of the plan in force.
    pub plan: String,
    /// What to do about it.
    pub hint: String,
}

impl Feature {
    pub const ALL: [Self; 3] = [Self::CustomAgents, Self::ApiAccess, Self::OnPremises];

    /// As files of plans have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CustomAgents => "custom_agents",
            Self::ApiAccess => "api_access",
            Self::OnPremises => "on_premises",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.name() == name)
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::CustomAgents => "agents of your own",
            Self::ApiAccess => "access by API",
            Self::OnPremises => "a server on your own premises",
        }
    }
}

impl Account {
    /// Whether the plan of `now` has a feature, by itself or by an add-on.
    pub fn check(&self, feature: Feature, now: Timestamp) -> Result<(), FeatureRefused> {
        let Some(term) = self.term(now) else { return Ok(()) };
        if term.has(feature.name()) {
            return Ok(());
        }
        let plan = self.plans().smallest(|plan| plan.has(feature.name())).map(|plan| format!("{} has it", plan.title));
        let add_on = self.plans().add_on(feature.name()).map(|add_on| format!("the add-on `{}` adds it", add_on.name));
        let ways: Vec<_> = plan.into_iter().chain(add_on).collect();
        let hint = match ways.is_empty() {
            true => "no plan has it".to_owned(),
            false => format!("{}; {}", ways.join(", or "), Account::HOW),
        };
        Err(FeatureRefused { feature, plan: term.plan.title.clone(), hint })
    }
}

impl fmt::Display for FeatureRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the plan {} does not include {}", self.plan, self.feature.title())
    }
}
