//! What a notifier is told, and whether it wants to know how it goes on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a notifier is told, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tidings {
    /// Somebody is needed.
    Trigger,
    /// Somebody took it up.
    Acknowledge,
    /// It is over.
    Resolve,
}

impl Tidings {
    pub fn name(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }
}

/// Whether a notifier is told how it goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Follows {
    /// It gets the page and no more.
    #[default]
    Not,
    /// It is told that somebody took it up, and that it is over.
    All,
}
