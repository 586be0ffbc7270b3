//! The order in which requests want a person: the one order of queue, first page and turning from card to card.

use std::cmp::Reverse;

use crate::domain::{Environment, Risk};
use crate::fold::Snapshot;
use crate::kinds::Approval;

/// Open requests: high risk and production first, then what has waited longest.
pub fn by_urgency(snapshot: &Snapshot) -> Vec<&Approval> {
    let mut open: Vec<_> = snapshot.open_approvals().collect();
    open.sort_by_key(|approval| (Reverse(weight(approval)), approval.requested_at, approval.id));
    open
}

fn weight(approval: &Approval) -> (Risk, Environment) {
    approval.ask.card().map_or((Risk::Low, Environment::Workspace), |card| (card.risk, card.environment))
}
