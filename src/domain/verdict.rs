//! What a policy says about an effect, and the rule that says it.

use serde::{Deserialize, Serialize};

use super::ids::ApprovalId;

/// A policy's answer. Each names the rule it comes from and that rule's reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    Run {
        rule: String,
        reason: String,
    },
    /// `expires_after`: seconds until the request expires unanswered.
    Ask {
        rule: String,
        reason: String,
        expires_after: u64,
    },
    Refuse {
        rule: String,
        reason: String,
    },
}

impl Verdict {
    /// The stricter of two: refusing before asking before running; of two that ask, the one that asks for less long.
    pub fn stricter(self, other: Self) -> Self {
        let rank = |verdict: &Self| match verdict {
            Self::Run { .. } => (0, 0),
            Self::Ask { expires_after, .. } => (1, u64::MAX - expires_after),
            Self::Refuse { .. } => (2, 0),
        };
        if rank(&other) > rank(&self) { other } else { self }
    }

    pub fn rule(&self) -> &str {
        match self {
            Self::Run { rule, .. } | Self::Ask { rule, .. } | Self::Refuse { rule, .. } => rule,
        }
    }

    pub fn reason(&self) -> &str {
        match self {
            Self::Run { reason, .. } | Self::Ask { reason, .. } | Self::Refuse { reason, .. } => reason,
        }
    }
}

/// Who let an effect start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// A policy rule, by its id.
    Rule(String),
    /// A person's decision.
    Approval(ApprovalId),
}
