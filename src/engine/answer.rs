//! Answering an agent's question.

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

pub(super) fn answer(
    snapshot: &Snapshot,
    id: ApprovalId,
    text: Untrusted,
    by: &Actor,
) -> Result<Vec<Decided>, Rejection> {
    let approval = find_open_approval(snapshot, id, by)?;
    if !matches!(approval.ask, Ask::Question { .. }) {
        return Err(wrong_kind("this is not a question", "approve, deny or settle it"));
    }
    if text.raw().trim().is_empty() {
        return Err(wrong_kind("an answer needs words", "write them, or deny the question"));
    }
    Ok(vec![in_approval(id, by, ApprovalEvent::Answered { text })])
}
