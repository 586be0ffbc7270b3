//! Which of a step's calls a call of a procedure is.

use serde::{Deserialize, Serialize};

/// Which of a step's calls a call is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepPart {
    #[default]
    Act,
    When,
    Verify,
    Rollback,
}

impl StepPart {
    pub const ALL: [Self; 4] = [Self::When, Self::Act, Self::Verify, Self::Rollback];

    pub fn name(self) -> &'static str {
        match self {
            Self::Act => "act",
            Self::When => "when",
            Self::Verify => "verify",
            Self::Rollback => "rollback",
        }
    }

    pub(super) fn is_act(&self) -> bool {
        *self == Self::Act
    }
}
