//! Approving an effect: the decision names the digest of the card that was seen.

use super::{find_open_approval, in_approval, still_current, wrong_kind};
use crate::domain::{Actor, ApprovalId, Ask, Rejection, Timestamp};
use crate::kinds::{ApprovalEvent, Decided, World};

pub(in crate::kinds::approval) fn approve(
    world: &dyn World,
    id: ApprovalId,
    digest: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Decided>, Rejection> {
    let approval = find_open_approval(world, id, by)?;
    match approval.ask {
        Ask::Effect { ref card } if card.change_is_cut() => {
            let what = "more leaves with it than its card holds, so nobody can have read all of it";
            return Err(wrong_kind(what, "deny it; the agent can do it in smaller parts, or a person by hand"));
        }
        Ask::Effect { .. } => {}
        Ask::Question { .. } => return Err(wrong_kind("this is a question", "answer it instead")),
        Ask::InDoubt { .. } => {
            return Err(wrong_kind("its outcome is unknown", "settle it: it happened, try again, or give up"));
        }
    }
    still_current(approval, digest, now)?;
    Ok(vec![in_approval(id, by, ApprovalEvent::Approved { digest: approval.digest.clone() })])
}
