//! What can have happened to a request to a person.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{ApprovalId, Ask, CallEdit, CallNo, CardDigest, RunId, Settlement, Timestamp, ToolName, Untrusted};
use crate::kinds::{KindEvent, Look};

/// What happened to a request to a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum ApprovalEvent {
    #[serde(rename = "approval.requested")]
    Requested {
        run: RunId,
        call: CallNo,
        tool: ToolName,
        ask: Box<Ask>,
        digest: CardDigest,
        /// The policy rule that asked, and its reason.
        rule: String,
        reason: String,
        /// The agent's own words before the call; shown below the card, labelled as the agent's.
        #[serde(default, skip_serializing_if = "Untrusted::is_empty")]
        rationale: Untrusted,
        /// Files that leave with it and that nothing the run was asked or the agent said names.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        not_mentioned: Vec<Untrusted>,
        /// `None`: it waits for ever.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        /// Set when a person changed the call before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edit: Option<Box<CallEdit>>,
    },
    #[serde(rename = "approval.approved")]
    Approved { digest: CardDigest },
    #[serde(rename = "approval.denied")]
    Denied { reason: Untrusted },
    /// It will not be decided as it stands: the call is asked for again with these arguments.
    #[serde(rename = "approval.edited")]
    Edited { digest: CardDigest, args: Value },
    #[serde(rename = "approval.answered")]
    Answered { text: Untrusted },
    #[serde(rename = "approval.settled")]
    Settled { settlement: Settlement, note: Untrusted },
    #[serde(rename = "approval.expired")]
    Expired {},
    #[serde(rename = "approval.withdrawn")]
    Withdrawn { reason: String },
    /// What would run has changed since; `by` asks again.
    #[serde(rename = "approval.superseded")]
    Superseded { by: ApprovalId },
}

impl KindEvent for ApprovalEvent {
    const AUDITED: Option<&'static str> = Some("approval.");

    fn name(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "approval.requested",
            Self::Approved { .. } => "approval.approved",
            Self::Denied { .. } => "approval.denied",
            Self::Edited { .. } => "approval.edited",
            Self::Answered { .. } => "approval.answered",
            Self::Settled { .. } => "approval.settled",
            Self::Expired { .. } => "approval.expired",
            Self::Withdrawn { .. } => "approval.withdrawn",
            Self::Superseded { .. } => "approval.superseded",
        }
    }

    /// Its run waits for every end of it.
    fn wakes(&self) -> bool {
        !matches!(self, Self::Requested { .. })
    }

    fn rings(&self) -> bool {
        matches!(self, Self::Requested { .. })
    }

    fn look(&self) -> Look {
        match self {
            Self::Requested { .. } => Look::Waiting,
            Self::Approved { .. } | Self::Answered { .. } | Self::Settled { .. } => Look::Good,
            Self::Denied { .. } | Self::Expired {} => Look::Bad,
            Self::Edited { .. } | Self::Withdrawn { .. } | Self::Superseded { .. } => Look::Warning,
        }
    }

    /// A request is not yet a decision.
    fn is_audited(&self) -> bool {
        !matches!(self, Self::Requested { .. })
    }
}
