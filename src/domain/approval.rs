//! What a person is asked, and the states a request goes through.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::actor::Actor;
use super::budgets::BudgetOffer;
use super::card::{CardDigest, EffectCard, Environment, Risk};
use super::ids::ApprovalId;
use super::text::Untrusted;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// May this be done?
    Effect { card: EffectCard },
    /// A question, of the agent as a rule; the answer is free text.
    Question {
        text: Untrusted,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        choices: Vec<Untrusted>,
        /// Set when it is the program that asks, about a budget that paused the run: a choice must be answered, and is
        /// carried out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        budget: Option<Box<BudgetOffer>>,
    },
    /// This was started and its outcome is unknown: did it happen?
    InDoubt { card: EffectCard, attempt: u32 },
}

impl Ask {
    /// What a decision on it must name.
    pub fn digest(&self) -> CardDigest {
        match self {
            Self::Effect { card } | Self::InDoubt { card, .. } => card.digest(),
            Self::Question { .. } => CardDigest::of(self),
        }
    }

    /// What a critical effect is approved by typing; `None` when a key is enough.
    pub fn type_to_approve(&self) -> Option<String> {
        match self {
            Self::Effect { card } if card.risk == Risk::Critical => Some(card.name_to_type()),
            Self::Effect { .. } | Self::Question { .. } | Self::InDoubt { .. } => None,
        }
    }

    /// Why it may only be denied where not all of its card is seen and nothing can be typed: in a chat, for example.
    pub fn only_deny_elsewhere(&self) -> Option<&'static str> {
        let card = self.card()?;
        match (card.change_is_cut(), card.environment == Environment::Production, self.type_to_approve()) {
            (true, ..) => Some("the card is too long to be shown here"),
            (false, true, _) | (false, false, Some(_)) => Some("it is critical, or in production"),
            (false, false, None) => None,
        }
    }

    /// What it would do, or asks, on one line: an outsider's words.
    pub fn what(&self) -> String {
        match self {
            Self::Effect { card } | Self::InDoubt { card, .. } => {
                let targets: Vec<_> = card.targets.iter().map(Untrusted::raw).collect();
                format!("{} {}", card.verb.as_str(), targets.join(", "))
            }
            Self::Question { text, .. } => text.raw().to_owned(),
        }
    }

    /// The budget that it is about.
    pub fn budget(&self) -> Option<&BudgetOffer> {
        match self {
            Self::Question { budget, .. } => budget.as_deref(),
            Self::Effect { .. } | Self::InDoubt { .. } => None,
        }
    }

    pub fn card(&self) -> Option<&EffectCard> {
        match self {
            Self::Effect { card } | Self::InDoubt { card, .. } => Some(card),
            Self::Question { .. } => None,
        }
    }
}

/// What a person made of an agent's call before it could run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallEdit {
    pub by: Actor,
    /// The request that was changed; it ended as edited.
    pub request: ApprovalId,
    /// The arguments as the agent gave them.
    pub asked: Value,
    /// The arguments that hold since.
    pub args: Value,
}

impl CallEdit {
    /// The arguments that differ, by name.
    pub fn changed(&self) -> Vec<String> {
        let names = |args: &Value| args.as_object().map(|args| args.keys().cloned().collect::<Vec<_>>());
        let mut names: Vec<_> = [&self.asked, &self.args].into_iter().filter_map(names).flatten().collect();
        names.sort();
        names.dedup();
        names.retain(|name| self.asked.get(name) != self.args.get(name));
        names
    }

    /// The arguments as the agent gave them against those that hold, line by line, as a unified diff.
    pub fn difference(&self) -> Untrusted {
        let lines = |args: &Value| serde_json::to_string_pretty(args).unwrap_or_else(|_| args.to_string()) + "\n";
        let (asked, args) = (lines(&self.asked), lines(&self.args));
        similar::TextDiff::from_lines(&asked, &args).unified_diff().context_radius(2).to_string().into()
    }
}

/// How a person settles an outcome in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// It happened; go on.
    Happened,
    /// It did not; do it (again).
    Retry,
    /// It did not, or nobody can tell; go on without it.
    GiveUp,
}

/// State of a request, with the names that `--json` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    Pending,
    Approved,
    Denied,
    Edited,
    Expired,
    Withdrawn,
    Superseded,
    InDoubt,
}

impl ApprovalState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Edited => "edited",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Superseded => "superseded",
            Self::InDoubt => "in_doubt",
        }
    }

    /// Whether a person's decision is still wanted.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::InDoubt)
    }
}

impl fmt::Display for ApprovalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
