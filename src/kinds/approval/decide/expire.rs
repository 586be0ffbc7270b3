//! Expiring a request that nobody answered. Expiry never approves, and is never reported as a denial.

use super::{find_open_approval, in_approval};
use crate::domain::{Actor, ApprovalId, Rejection, RejectionKind, Timestamp};
use crate::kinds::{ApprovalEvent, Decided, World};

pub(in crate::kinds::approval) fn expire(
    world: &dyn World,
    id: ApprovalId,
    now: Timestamp,
) -> Result<Vec<Decided>, Rejection> {
    let approval = find_open_approval(world, id, &Actor::System)?;
    match approval.expires_at {
        Some(expires) if expires <= now => Ok(vec![in_approval(id, &Actor::System, ApprovalEvent::Expired {})]),
        _ => Err(Rejection::new(RejectionKind::Invalid, format!("approval {} has not expired yet", id.short()))),
    }
}
