//! Changing what an agent asks to do: the request ends, and the call is asked for again as it now is.

use serde_json::Value;

use super::{find_open_approval, in_approval, still_current, wrong_kind};
use crate::domain::{Actor, ApprovalId, Ask, Rejection, Timestamp};
use crate::kinds::{ApprovalEvent, Decided, World};

pub(in crate::kinds::approval) fn edit(
    world: &dyn World,
    id: ApprovalId,
    digest: &str,
    args: Value,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Decided>, Rejection> {
    let approval = find_open_approval(world, id, by)?;
    match approval.ask {
        Ask::Effect { .. } => {}
        Ask::Question { .. } => return Err(wrong_kind("this is a question", "answer it instead")),
        Ask::InDoubt { .. } => {
            return Err(wrong_kind("it was already started", "settle it: it happened, try again, or give up"));
        }
    }
    still_current(approval, digest, now)?;
    if !args.is_object() {
        return Err(wrong_kind("the arguments of a call are a JSON object", "write them as {\"name\": value, …}"));
    }
    if world.arguments(approval.run, approval.call) == Some(&args) {
        return Err(wrong_kind("nothing was changed", "change an argument, or approve the call as asked"));
    }
    Ok(vec![in_approval(id, by, ApprovalEvent::Edited { digest: approval.digest.clone(), args })])
}
