//! The maintenance windows of the configuration: planned in the log ahead of their time, and begun when it comes.

use std::time::Duration;

use super::Wire;
use crate::config::MaintenanceSection;
use crate::domain::{Actor, Timestamp};
use crate::feeds::Surroundings;
use crate::kinds::{Command, MaintenanceOrder, MaintenanceVerb};

/// Time between two looks at the clock.
const EVERY: Duration = Duration::from_secs(5);

impl Wire {
    /// What the log is to be told of them now. Told twice, it changes nothing.
    pub(super) fn maintenance_at(&self, now: Timestamp) -> Vec<Command> {
        commands(&self.config.maintenance, now)
    }

    /// Sees to them as long as the session lasts.
    pub(super) fn keep_maintenance(&self, surroundings: Surroundings) {
        let sections = self.config.maintenance.clone();
        if !sections.is_empty() {
            tokio::spawn(keep(sections, surroundings));
        }
    }
}

async fn keep(sections: Vec<MaintenanceSection>, surroundings: Surroundings) {
    let Surroundings { client, clock, stopping, .. } = surroundings;
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stopping.run_until_cancelled(ticks.tick()).await.is_some() {
        for command in commands(&sections, clock.now()) {
            if let Err(rejection) = client.submit(command, Actor::System).await {
                tracing::warn!(%rejection, "a maintenance window was not planned");
            }
        }
    }
}

fn commands(sections: &[MaintenanceSection], now: Timestamp) -> Vec<Command> {
    let command = |section: &MaintenanceSection| {
        let (from, until) = section.next(now)?;
        let (name, matching) = (section.name.as_str().into(), section.matching.clone());
        let order = MaintenanceOrder { name, matching, from, until };
        let id = order.id();
        Some(MaintenanceVerb::Plan { order: Box::new(order) }.on(id))
    };
    sections.iter().filter_map(command).collect()
}
