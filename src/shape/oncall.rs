//! Who is on call, as scripts get it.

use chrono::SecondsFormat;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::Timestamp;

/// A schedule, and who is on call there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OnCallShape {
    pub schedule: String,
    /// Nobody in a gap.
    pub person: Option<String>,
    /// Until when, where that is known.
    pub until: Option<Timestamp>,
    /// The time zone of its handovers.
    pub zone: String,
}

impl OnCallShape {
    /// `primary: ana until 2026-11-30T08:00:00Z`
    pub fn line(&self) -> String {
        let until = |at: Timestamp| format!(" until {}", at.to_rfc3339_opts(SecondsFormat::Secs, true));
        let person = self.person.as_deref().unwrap_or("NOBODY");
        format!("{}: {person}{}", self.schedule, self.until.map(until).unwrap_or_default())
    }
}
