//! Why an incident is held back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{IncidentId, MaintenanceId, Untrusted};
use crate::kinds::Stream;

/// What keeps an incident from calling anybody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// All that fires in it is under maintenance.
    Maintenance { window: MaintenanceId, name: Untrusted },
    /// All that fires in it follows from something that fires in this incident.
    Inhibited { by: IncidentId },
}

impl Hold {
    /// `inhibited by 1a2b3c4d`
    pub fn said(&self) -> String {
        match self {
            Self::Maintenance { name, .. } => format!("maintenance: {}", name.raw()),
            Self::Inhibited { by } => format!("inhibited by {}", by.short()),
        }
    }

    /// What holds it.
    pub fn stream(&self) -> Stream {
        match self {
            Self::Maintenance { window, .. } => Stream::Maintenance(*window),
            Self::Inhibited { by } => Stream::Incident(*by),
        }
    }
}
