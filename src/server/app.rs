//! What every request works with.

use std::sync::{Arc, LazyLock};

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::enrolment::Enrolments;
use super::feed::{Company, Hub};
use super::hooks::Hooks;
use super::host::Host;
use super::hosts::Hosts;
use super::prepared::Prepared;
use super::problem::Problem;
use super::readiness::Readiness;
use super::turn::Turns;
use super::upkeep::Upkeep;
use crate::access::Gate;
use crate::billing::Feature;
use crate::ports::{Client, Log};

pub(super) struct App {
    pub(super) client: Arc<dyn Client>,
    pub(super) log: Arc<dyn Log>,
    pub(super) host: Arc<dyn Host>,
    pub(super) upkeep: Arc<dyn Upkeep>,
    pub(super) turns: Turns,
    pub(super) gate: Arc<Gate>,
    pub(super) hooks: Hooks,
    pub(super) enrolments: Enrolments,
    pub(super) hosts: Hosts,
    pub(super) hub: Arc<Hub>,
    pub(super) company: Arc<Company>,
    pub(super) prepared: Prepared,
    pub(super) readiness: Readiness,
    /// Consoles that may still attach.
    pub(super) consoles: Arc<Semaphore>,
    /// What `/openapi.json` answers; made when it is first asked for.
    pub(super) document: LazyLock<Value>,
    pub(super) stopping: CancellationToken,
    /// Waited for when the server ends.
    pub(super) tasks: TaskTracker,
}

impl App {
    /// Whether the plan has it; everything is there where no plan is set.
    pub(super) fn check_feature(&self, feature: Feature) -> Result<(), Problem> {
        let billing = self.client.status().billing;
        Ok(billing.map_or(Ok(()), |account| account.check(feature, self.gate.now()))?)
    }

    /// Does `work`, which people know as `what`, unless other upkeep is under way. The server waits for it when it ends.
    pub(super) async fn in_turn<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        self.turns.take_one(&self.tasks, what, work).await
    }
}
