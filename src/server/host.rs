//! What the server asks of the program around it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::{RunId, RunSpec, Timestamp};
use crate::feeds::{Probe, ProbeBoard};
use crate::ports::{Offer, Order, Roster, Sought};
use crate::shape::{Finding, OnCallShape};

/// What the server asks of the program around it.
#[async_trait]
pub trait Host: Send + Sync {
    /// Agents and procedures that can be used.
    async fn offers(&self) -> Vec<Offer>;

    /// Goals that were started before, newest last.
    async fn past_goals(&self) -> Vec<String>;

    /// The directory a new goal suggests to work in.
    fn workspace(&self) -> String;

    /// Everything that is fixed when a run starts; makes its workspace.
    async fn prepare(&self, order: Order) -> Result<RunSpec, Unprepared>;

    /// Takes back what preparing made for a run that was never started.
    async fn discard(&self, _spec: &RunSpec) {}

    /// Paths on this machine to offer while a goal is being written.
    async fn complete(&self, sought: &Sought) -> Vec<String>;

    /// Keeps a goal for the next time.
    async fn remember(&self, goal: &str);

    /// Looks at everything the program depends on, asking no model.
    async fn examine(&self) -> Vec<Finding>;

    /// What is probed, and how the last looks ended.
    fn probes(&self) -> (Vec<Arc<Probe>>, Arc<ProbeBoard>) {
        Default::default()
    }

    /// Who is on call at an instant, for each schedule.
    fn on_call(&self, _at: Timestamp) -> Vec<OnCallShape> {
        Vec::new()
    }

    /// The same for some time ahead.
    fn rosters(&self, _from: Timestamp) -> Vec<Roster> {
        Vec::new()
    }

    /// Tells somebody who pressed a button in Slack how that ended.
    async fn reply_in_slack(&self, _response_url: &str, _text: &str) {}

    /// A run as a recording; `None` when it has no history.
    async fn record(&self, run: RunId) -> Result<Option<String>, Unprepared>;
}

/// Why the program around the server did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unprepared {
    pub whose: Whose,
    pub message: String,
    pub hint: String,
}

/// Who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// What was asked for makes no sense here.
    Asker,
    /// Something failed on the server's side.
    Server,
    /// The server's disk has no room.
    Disk,
}
