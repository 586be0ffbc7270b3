//! Removing what ended long ago, together with the event that says so.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::NaiveDate;

use super::log::{LogError, NewEvent};
use crate::domain::{Actor, Spent, Timestamp};
use crate::kinds::{AccessEvent, Stream};

/// What is to be removed in one transaction.
#[derive(Clone, Debug)]
pub struct Pruning {
    /// Runs that ended before then, and the requests they made.
    pub ended_before: Timestamp,
    pub streams: Vec<Stream>,
    /// How many events they have, all of them looked at.
    pub events: u64,
    /// What the removed calls of models cost.
    pub spent: Vec<Spent>,
    /// How many of the removed runs began on each day.
    pub began: BTreeMap<NaiveDate, u64>,
    pub at: Timestamp,
    pub by: Actor,
}

/// A log that events can be removed from.
#[async_trait]
pub trait Prunable: Send + Sync {
    /// What will be left of it, as the log is to tell it. `Conflict` when somebody has appended to it since.
    async fn remains(&self, pruning: &Pruning) -> Result<AccessEvent, LogError>;

    /// Appends `told` wherever the log ends, removes what was decided on, and leaves what the chain needs, in one
    /// transaction. `Conflict` when something else would be left than is told, or `told` does not follow the last event
    /// of its stream.
    async fn prune(&self, pruning: &Pruning, told: NewEvent) -> Result<(), LogError>;
}
