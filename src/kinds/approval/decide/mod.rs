//! What deciding on a request leads to, one file a verb.

mod answer;
mod approve;
mod deny;
mod edit;
mod expire;
mod raise;
mod settle;

use super::event::ApprovalEvent;
use super::row::Approval;
use crate::domain::{Actor, ApprovalId, CardDigest, Rejection, RejectionKind, Timestamp, Untrusted};
use crate::kinds::{Decided, World};

pub(in crate::kinds::approval) use answer::answer;
pub(in crate::kinds::approval) use approve::approve;
pub(in crate::kinds::approval) use deny::deny;
pub(in crate::kinds::approval) use edit::edit;
pub(in crate::kinds::approval) use expire::expire;
pub(in crate::kinds::approval) use settle::settle;

fn in_approval(id: ApprovalId, by: &Actor, event: ApprovalEvent) -> Decided {
    Decided::of::<Approval>(id, by, event)
}

/// A request that still wants a decision. Only people decide.
fn find_open_approval<'a>(world: &'a dyn World, approval: ApprovalId, by: &Actor) -> Result<&'a Approval, Rejection> {
    let found = world.approvals().get(&approval).ok_or_else(|| {
        Rejection::new(RejectionKind::NotFound, format!("no approval has the id {approval}"))
            .hint("`morningai approvals` lists them")
    })?;
    if !found.state.is_open() {
        let who = found.decided_by.as_ref().map_or("somebody", Actor::name);
        let message = format!("approval {} is already {} (by {who})", approval.short(), found.state.name());
        return Err(Rejection::new(RejectionKind::AlreadySettled, message));
    }
    if matches!(by, Actor::Agent(_)) {
        return Err(Rejection::new(RejectionKind::NotAllowed, "an agent cannot decide on an approval"));
    }
    Ok(found)
}

/// Whether it is not too late, and the card that is meant is the one that stands.
fn still_current(approval: &Approval, digest: &str, now: Timestamp) -> Result<(), Rejection> {
    // A late decision must not win the race against the timer that expires it.
    if approval.expires_at.is_some_and(|expires| expires <= now) {
        let message = format!("approval {} has expired", approval.id.short());
        return Err(Rejection::new(RejectionKind::AlreadySettled, message).hint("the agent may ask again"));
    }
    if digest.len() < CardDigest::LEAST {
        let message = format!("a digest of at least {} hex digits is needed", CardDigest::LEAST);
        return Err(Rejection::new(RejectionKind::DigestMismatch, message).hint("the card shows it"));
    }
    if !approval.digest.matches(digest) {
        // The card's own is not told: it stands at the end of the card, and is not to be named unread.
        let message = format!("{} is not the card's digest", visible(digest));
        return Err(Rejection::new(RejectionKind::DigestMismatch, message).hint("read the card, which ends with it"));
    }
    Ok(())
}

fn wrong_kind(what: &str, hint: &str) -> Rejection {
    Rejection::new(RejectionKind::Invalid, what).hint(hint)
}

fn visible(text: &str) -> String {
    Untrusted::from(text).visible().into_owned()
}
