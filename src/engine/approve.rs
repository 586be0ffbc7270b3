//! Approving an effect: the decision names the digest of the card that was seen.

use super::Decided;
use super::find_open_approval;
use super::in_approval;
use crate::domain::Actor;
use crate::domain::ApprovalEvent;
use crate::domain::ApprovalId;
use crate::domain::Ask;
use crate::domain::CardDigest;
use crate::domain::Rejection;
use crate::domain::RejectionKind;
use crate::domain::Timestamp;
use crate::fold::Approval;
use crate::fold::Snapshot;

pub(super) fn approve(
    snapshot: &Snapshot,
    id: ApprovalId,
    digest: &str,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Decided>, Rejection> {
    let approval = find_open_approval(snapshot, id, by)?;
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

/// Whether it is not too late, and the card that is meant is the one that stands.
pub(super) fn still_current(approval: &Approval, digest: &str, now: Timestamp) -> Result<(), Rejection> {
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

pub(super) fn wrong_kind(what: &str, hint: &str) -> Rejection {
    Rejection::new(RejectionKind::Invalid, what).hint(hint)
}

fn visible(text: &str) -> String {
    crate::domain::Untrusted::from(text).visible().into_owned()
}
