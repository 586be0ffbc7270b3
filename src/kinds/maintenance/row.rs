//! One maintenance window as it is now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::MaintenanceEvent;
use super::order::MaintenanceOrder;
use crate::domain::{Actor, MaintenanceId, Timestamp};
use crate::kinds::{Labels, Stamp};

/// A maintenance window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Maintenance {
    pub id: MaintenanceId,
    pub version: u64,
    #[serde(flatten)]
    pub order: MaintenanceOrder,
    /// Whether it is one of the configuration.
    #[serde(default)]
    pub is_configured: bool,
    #[schemars(with = "String")]
    pub planned_by: Actor,
    pub began_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    #[schemars(with = "Option<String>")]
    pub ended_by: Option<Actor>,
}

impl Maintenance {
    pub(super) fn planned(id: MaintenanceId, event: &MaintenanceEvent, stamp: &Stamp<'_>) -> Option<Self> {
        let MaintenanceEvent::Planned { order, is_configured } = event else { return None };
        Some(Self {
            id,
            version: stamp.version,
            order: (**order).clone(),
            is_configured: *is_configured,
            planned_by: stamp.by.clone(),
            began_at: None,
            ended_at: None,
            ended_by: None,
        })
    }

    pub(super) fn take_in(&mut self, event: &MaintenanceEvent, stamp: &Stamp<'_>) {
        self.version = stamp.version;
        match event {
            MaintenanceEvent::Planned { .. } => {}
            MaintenanceEvent::Began {} => self.began_at = Some(stamp.at),
            MaintenanceEvent::Ended {} => (self.ended_at, self.ended_by) = (Some(stamp.at), Some(stamp.by.clone())),
        }
    }

    pub(super) fn is_active(&self) -> bool {
        self.began_at.is_some() && self.ended_at.is_none()
    }

    /// Whether it holds anything back. That its time is over may not have been noted yet.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.is_active() && now < self.order.until
    }

    /// Whether it is for an alert with these labels.
    pub fn covers(&self, labels: &Labels) -> bool {
        self.order.matching.fits(|name| labels.get(name)).is_some()
    }

    pub(super) fn state(&self) -> &'static str {
        match (self.began_at, self.ended_at) {
            (_, Some(_)) => "over",
            (Some(_), None) => "active",
            (None, None) => "planned",
        }
    }

    /// When time alone asks for something. One of the configuration is begun by a process that has it there.
    pub(super) fn due(&self) -> Option<Timestamp> {
        match (self.began_at, self.ended_at) {
            (_, Some(_)) => None,
            (None, None) if !self.is_configured => Some(self.order.from),
            (_, None) => Some(self.order.until),
        }
    }
}
