//! Denying an effect, or declining to answer a question.

use super::{find_open_approval, in_approval, wrong_kind};
use crate::domain::{Actor, ApprovalId, Ask, Rejection, Untrusted};
use crate::kinds::{ApprovalEvent, Decided, World};

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
