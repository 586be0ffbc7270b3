//! Denying an effect, or declining to answer a question.

use super::Decided;
use super::approve::wrong_kind;
use super::find_open_approval;
use super::in_approval;
use crate::domain::Actor;
use crate::domain::ApprovalEvent;
use crate::domain::ApprovalId;
use crate::domain::Ask;
use crate::domain::Rejection;
use crate::domain::Untrusted;
use crate::fold::Snapshot;

pub(super) fn deny(
    snapshot: &Snapshot,
    id: ApprovalId,
    reason: Untrusted,
    by: &Actor,
) -> Result<Vec<Decided>, Rejection> {
    let approval = find_open_approval(snapshot, id, by)?;
    if matches!(approval.ask, Ask::InDoubt { .. }) {
        return Err(wrong_kind("it was already started", "settle it: it happened, try again, or give up"));
    }
    Ok(vec![in_approval(id, by, ApprovalEvent::Denied { reason })])
}
