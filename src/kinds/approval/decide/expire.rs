//! Expiring a request that nobody answered. Expiry never approves, and is never reported as a denial.

use super::find_open_approval;
use super::in_approval;
use crate::domain::Actor;
use crate::domain::ApprovalId;
use crate::domain::Rejection;
use crate::domain::RejectionKind;
use crate::domain::Timestamp;
use crate::kinds::ApprovalEvent;
use crate::kinds::Decided;
use crate::kinds::World;

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
