//! Settling an effect whose outcome is unknown.

use super::Decided;
use super::approve::wrong_kind;
use super::find_open_approval;
use super::in_approval;
use crate::domain::Actor;
use crate::domain::ApprovalEvent;
use crate::domain::ApprovalId;
use crate::domain::Ask;
use crate::domain::Rejection;
use crate::domain::Settlement;
use crate::domain::Untrusted;
use crate::fold::Snapshot;

pub(super) fn settle(
    snapshot: &Snapshot,
    id: ApprovalId,
    settlement: Settlement,
    note: Untrusted,
    by: &Actor,
) -> Result<Vec<Decided>, Rejection> {
    let approval = find_open_approval(snapshot, id, by)?;
    if !matches!(approval.ask, Ask::InDoubt { .. }) {
        return Err(wrong_kind("its outcome is not in doubt", "approve or deny it"));
    }
    Ok(vec![in_approval(id, by, ApprovalEvent::Settled { settlement, note })])
}
