//! What can have happened to a handover.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Timestamp, Untrusted};
use crate::kinds::{KindEvent, Look, Stream};

/// What happened to a handover.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum HandoverEvent {
    #[serde(rename = "handover.written")]
    Written {
        /// It tells of what happened since then.
        since: Timestamp,
        note: Untrusted,
        items: Vec<HandoverItem>,
    },
    /// The next person has read it, and has the shift.
    #[serde(rename = "handover.signed")]
    Signed {},
    /// Nobody signed it for a day.
    #[serde(rename = "handover.lapsed")]
    Lapsed {},
}

/// One line of a handover.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HandoverItem {
    pub section: Section,
    pub text: Untrusted,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub of: Option<Stream>,
}

/// What a line of a handover is about, in the order in which it tells of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Incidents that are open.
    Open,
    /// Requests that wait for a decision.
    Waiting,
    /// Runs that are under way.
    Running,
    /// Incidents that were resolved.
    Resolved,
    /// Runs that ended otherwise than well.
    Failed,
    /// What it cost.
    Cost,
}

impl Section {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Resolved => "resolved",
            Self::Failed => "failed",
            Self::Cost => "cost",
        }
    }

    pub fn look(self) -> Look {
        match self {
            Self::Open | Self::Failed => Look::Bad,
            Self::Waiting => Look::Waiting,
            Self::Running => Look::Running,
            Self::Resolved => Look::Good,
            Self::Cost => Look::Plain,
        }
    }
}

impl KindEvent for HandoverEvent {
    const AUDITED: Option<&'static str> = Some("handover.");

    fn name(&self) -> &'static str {
        match self {
            Self::Written { .. } => "handover.written",
            Self::Signed {} => "handover.signed",
            Self::Lapsed {} => "handover.lapsed",
        }
    }

    fn remark(&self) -> Untrusted {
        match self {
            Self::Written { items, note, .. } => {
                let open = items.iter().filter(|item| matches!(item.section, Section::Open | Section::Waiting)).count();
                format!("{open} open; {}", note.raw()).into()
            }
            Self::Signed {} | Self::Lapsed {} => Untrusted::default(),
        }
    }

    fn look(&self) -> Look {
        match self {
            Self::Written { .. } => Look::Notable,
            Self::Signed {} => Look::Good,
            Self::Lapsed {} => Look::Warning,
        }
    }
}
