//! What plans differ in beside runs: the one table of features, and the one gate that asks whether a plan has room.

use super::account::Account;
use super::plans::Plan;
use crate::domain::Timestamp;

/// What a plan may include.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Agents of the user's own.
    CustomAgents,
    /// Tokens, with which programs use the HTTP API.
    ApiAccess,
    /// A Postgres store of one's own, which several machines share.
    OnPremises,
}

/// What the plan does not include, and which one does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub message: String,
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
            Self::ApiAccess => "tokens for the API",
            Self::OnPremises => "a shared Postgres store",
        }
    }
}

impl Account {
    /// Whether the plan of `now` has a feature, by itself or by an add-on.
    pub fn check(&self, feature: Feature, now: Timestamp) -> Result<(), Refused> {
        let Some(term) = self.term(now).filter(|term| !term.has(feature.name())) else { return Ok(()) };
        let plan = self.plans().smallest(|plan| plan.has(feature.name())).map(|plan| format!("{} does", plan.title));
        let add_on =
            self.plans().add_on(feature.name()).map(|add_on| format!("with the add-on `{}` it does", add_on.name));
        let ways: Vec<_> = plan.into_iter().chain(add_on).collect();
        let message = format!("the plan {} does not include {}", term.plan.title, feature.title());
        Err(Refused { message, hint: self.hint(ways) })
    }

    /// Whether the plan of `now` has room for one more account beside so many that are not disabled.
    pub fn check_users(&self, active: usize, now: Timestamp) -> Result<(), Refused> {
        let fits = |plan: &Plan| plan.users.is_none_or(|users| (active as u64) < users);
        let Some(term) = self.term(now).filter(|term| !fits(&term.plan)) else { return Ok(()) };
        let users = term.plan.users.unwrap_or_default();
        let noun = if users == 1 { "user" } else { "users" };
        let message = format!("the plan {} includes {users} {noun}, and {active} have an account", term.plan.title);
        let room = |plan: &Plan| match plan.users {
            Some(users) => format!("{} includes {users}", plan.title),
            None => format!("{} has no limit", plan.title),
        };
        Err(Refused { message, hint: self.hint(self.plans().smallest(fits).map(room).into_iter().collect()) })
    }

    fn hint(&self, ways: Vec<String>) -> String {
        match ways.is_empty() {
            true => "no plan does".to_owned(),
            false => format!("{}; {}", ways.join(", or "), self.how()),
        }
    }
}
