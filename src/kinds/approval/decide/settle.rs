//! Settling an effect whose outcome is unknown.

use super::{find_open_approval, in_approval, wrong_kind};
use crate::domain::{Actor, ApprovalId, Ask, Rejection, Settlement, Untrusted};
use crate::kinds::{ApprovalEvent, Decided, World};

pub(in crate::kinds::approval) fn settle(
    world: &dyn World,
    id: ApprovalId,
    settlement: Settlement,
    note: Untrusted,
    by: &Actor,
) -> Result<Vec<Decided>, Rejection> {
    let approval = find_open_approval(world, id, by)?;
    if !matches!(approval.ask, Ask::InDoubt { .. }) {
        return Err(wrong_kind("its outcome is not in doubt", "approve or deny it"));
    }
    Ok(vec![in_approval(id, by, ApprovalEvent::Settled { settlement, note })])
}
