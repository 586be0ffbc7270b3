//! One rule of the policy in force, as people see it.

use std::fmt;
use std::time::Duration;

use crate::domain::Verdict;

/// What a rule does when it applies, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Run,
    /// A person has this long to decide.
    Ask {
        expires: Duration,
    },
    Refuse,
}

impl Effect {
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Ask { .. } => "ask",
            Self::Refuse => "refuse",
        }
    }
}

/// A policy with its annotations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub id: String,
    pub effect: Effect,
    /// For people, at 3 a.m.
    pub reason: String,
    /// `FILE:LINE` where it is written.
    pub source: String,
}

impl Rule {
    pub(super) fn verdict(&self) -> Verdict {
        let (rule, reason) = (self.id.clone(), self.reason.clone());
        match self.effect {
            Effect::Run => Verdict::Run { rule, reason },
            Effect::Ask { expires } => Verdict::Ask { rule, reason, expires_after: expires.as_secs() },
            Effect::Refuse => Verdict::Refuse { rule, reason },
        }
    }
}

/// `ask  leaves-machine  (default.cedar:84)  It leaves this machine: …`
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<6}  {}  ({})  {}", self.effect.name(), self.id, self.source, self.reason)
    }
}
