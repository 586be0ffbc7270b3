//! What can be looked at, and where its reading is saved.

use schemars::JsonSchema;
use serde::Deserialize;

/// Directory of the workspace in which readings are saved.
pub const READINGS: &str = "readings";

/// What can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Load,
    Memory,
    Disks,
    Services,
    Processes,
    Ports,
    System,
}

impl What {
    /// All of them, in the order a report tells them.
    pub const ALL: [Self; 7] =
        [Self::System, Self::Load, Self::Memory, Self::Disks, Self::Services, Self::Processes, Self::Ports];

    pub fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Memory => "memory",
            Self::Disks => "disks",
            Self::Services => "services",
            Self::Processes => "processes",
            Self::Ports => "ports",
            Self::System => "system",
        }
    }

    /// Where its reading is saved.
    pub fn file(self) -> String {
        format!("{READINGS}/{}.json", self.name())
    }
}
