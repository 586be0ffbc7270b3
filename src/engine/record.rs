//! What decisions write down, and the refusal of what is no longer current.

use crate::domain::{Actor, ApprovalId, Rejection, RejectionKind, RunId};
use crate::kinds::{Approval, ApprovalEvent, Decided, Run, RunEvent};

pub(super) fn in_run(run: RunId, by: &Actor, event: RunEvent) -> Decided {
    Decided::of::<Run>(run, by, event)
}

pub(super) fn in_approval(approval: ApprovalId, by: &Actor, event: ApprovalEvent) -> Decided {
    Decided::of::<Approval>(approval, by, event)
}

pub(super) fn stale(run: RunId, what: &str) -> Rejection {
    Rejection::new(RejectionKind::Stale, format!("run {}: {what} is no longer current", run.short()))
}
