//! Denying an effect, or declining to answer a question.

use super::find_open_approval;
use super::in_approval;
use super::wrong_kind;
use crate::domain::Actor;
use crate::domain::ApprovalId;
use crate::domain::Ask;
use crate::domain::Rejection;
use crate::domain::Untrusted;
use crate::kinds::ApprovalEvent;
use crate::kinds::Decided;
use crate::kinds::World;

pub(in crate::kinds::approval) fn deny(
    world: &dyn World,
    id: ApprovalId,
    reason: Untrusted,
    by: &Actor,
) -> Result<Vec<Decided>, Rejection> {
    let approval = find_open_approval(world, id, by)?;
    if matches!(approval.ask, Ask::InDoubt { .. }) {
        return Err(wrong_kind("it was already started", "settle it: it happened, try again, or give up"));
    }
    Ok(vec![in_approval(id, by, ApprovalEvent::Denied { reason })])
}
