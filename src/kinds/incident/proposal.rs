//! Changes to runbooks that a run of an incident proposed, and the answers to them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Actor, ApprovalId, ApprovalState, RunId, Timestamp};
use crate::kinds::{Approval, World};

/// The tool that proposes.
pub(super) const TOOL: &str = "propose_runbook";

/// Those of one incident that a row keeps.
pub(super) const MOST_KEPT: usize = 8;

/// A change that was proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    pub approval: ApprovalId,
    /// The runbook's name.
    pub runbook: String,
    pub state: ApprovalState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub decided_by: Option<Actor>,
}

/// A change to a runbook that is proposed by a run of its own, since which event, and whether that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunbookChange {
    pub runbook: String,
    pub run: RunId,
    pub since: u64,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_ended: bool,
}

impl Proposal {
    /// The change that a request asks for; `None` where it asks for something else, or was asked again in other words.
    fn of(approval: &Approval) -> Option<Self> {
        let runbook = runbook(approval.ask.card()?.facts.get("runbook")?.as_str()?)?;
        let state = match approval.state {
            ApprovalState::Edited | ApprovalState::Superseded => return None,
            // Nobody is asked any more once its run has ended.
            ApprovalState::Pending => ApprovalState::Withdrawn,
            ApprovalState::Approved
            | ApprovalState::Denied
            | ApprovalState::Expired
            | ApprovalState::Withdrawn
            | ApprovalState::InDoubt => approval.state,
        };
        let is_one = approval.tool.0 == TOOL;
        is_one.then(|| Self { approval: approval.id, runbook, state, decided_by: approval.decided_by.clone() })
    }

    /// `runbook web-gone approved by ana`
    pub(super) fn said(&self) -> String {
        let by = self.decided_by.as_ref().map(|by| format!(" by {}", by.name())).unwrap_or_default();
        format!("runbook {} {}{by}", self.runbook, self.state.name().replace('_', " "))
    }
}

/// A name as the tool takes it.
fn runbook(name: &str) -> Option<String> {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-').then(|| name.to_owned())
}

/// What a run that ends has proposed.
pub(super) fn proposals(world: &dyn World, run: RunId) -> Vec<Proposal> {
    let asked = world.approvals().values().filter(|approval| approval.run == run);
    let mut proposed: Vec<_> = asked.filter_map(Proposal::of).collect();
    proposed.drain(..proposed.len().saturating_sub(MOST_KEPT));
    proposed
}
