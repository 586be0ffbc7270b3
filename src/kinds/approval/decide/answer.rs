//! Answering an agent's question.

use super::{find_open_approval, in_approval, wrong_kind};
use crate::domain::{Actor, ApprovalId, Ask, Rejection, Untrusted};
use crate::kinds::{ApprovalEvent, Decided, World};

pub(in crate::kinds::approval) fn answer(
    world: &dyn World,
    id: ApprovalId,
    text: Untrusted,
    by: &Actor,
) -> Result<Vec<Decided>, Rejection> {
    let approval = find_open_approval(world, id, by)?;
    if !matches!(approval.ask, Ask::Question { .. }) {
        return Err(wrong_kind("this is not a question", "approve, deny or settle it"));
    }
    if text.raw().trim().is_empty() {
        return Err(wrong_kind("an answer needs words", "write them, or deny the question"));
    }
    Ok(vec![in_approval(id, by, ApprovalEvent::Answered { text })])
}
