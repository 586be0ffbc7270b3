//! What can have happened to a maintenance window.

use serde::{Deserialize, Serialize};

use super::order::MaintenanceOrder;
use crate::domain::Untrusted;
use crate::kinds::{KindEvent, Look};

/// What happened to a maintenance window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum MaintenanceEvent {
    #[serde(rename = "maintenance.planned")]
    Planned {
        order: Box<MaintenanceOrder>,
        /// It begins only while a process still has it in its configuration.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_configured: bool,
    },
    #[serde(rename = "maintenance.began")]
    Began {},
    #[serde(rename = "maintenance.ended")]
    Ended {},
}

impl KindEvent for MaintenanceEvent {
    const AUDITED: Option<&'static str> = Some("maintenance.");

    fn name(&self) -> &'static str {
        match self {
            Self::Planned { .. } => "maintenance.planned",
            Self::Began {} => "maintenance.began",
            Self::Ended {} => "maintenance.ended",
        }
    }

    fn remark(&self) -> Untrusted {
        match self {
            Self::Planned { order, .. } => format!("{}: {}", order.name.raw(), order.matching.line()).into(),
            Self::Began {} | Self::Ended {} => Untrusted::default(),
        }
    }

    fn look(&self) -> Look {
        match self {
            Self::Planned { .. } => Look::Plain,
            Self::Began {} => Look::Notable,
            Self::Ended {} => Look::Dim,
        }
    }

    /// What the clock does is no deed.
    fn is_audited(&self) -> bool {
        match self {
            Self::Planned { .. } | Self::Ended {} => true,
            Self::Began {} => false,
        }
    }
}
