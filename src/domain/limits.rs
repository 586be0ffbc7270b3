//! Limits of a run. Reaching one pauses the run and says which; a person may let it go on.

use serde::{Deserialize, Serialize};

use super::budgets::Budgets;
use super::money::Usd;
use super::quota::Quota;

/// What a run may use before it must ask a person for more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Model turns.
    pub turns: u32,
    /// Input and output tokens together.
    pub tokens: u64,
    pub cost: Usd,
    /// Seconds of working time; waiting for a person does not count.
    pub seconds: u64,
    /// Bytes of tool output stored.
    pub output_bytes: u64,
    /// What all runs together may cost.
    #[serde(skip_serializing_if = "Budgets::is_none")]
    pub budgets: Budgets,
    /// How many of them may begin, where the plan sets a limit. Asked once, when a run starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            turns: 60,
            tokens: 2_000_000,
            cost: Usd(5_000_000_000),
            seconds: 3_600,
            output_bytes: 256 * 1024 * 1024,
            budgets: Budgets::default(),
            quota: None,
        }
    }
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    Turns,
    Tokens,
    Cost,
    Time,
    Output,
}

impl LimitKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Turns => "turns",
            Self::Tokens => "tokens",
            Self::Cost => "cost",
            Self::Time => "time",
            Self::Output => "output",
        }
    }
}
