//! Changing what an agent asks to do: the request ends, and the call is asked for again as it now is. Never runs
//! anything: whatever the policy says of the changed call, a person still has to approve it.

use serde_json::Value;

use super::Decided;
use super::approve::still_current;
use super::approve::wrong_kind;
use super::find_open_approval;
use super::in_approval;
use super::in_run;
use crate::domain::Actor;
use crate::domain::ApprovalEvent;
use crate::domain::ApprovalId;
use crate::domain::ApprovalState;
use crate::domain::Ask;
use crate::domain::CallEdit;
use crate::domain::CallPreparation;
use crate::domain::Rejection;
use crate::domain::RunEvent;
use crate::domain::Timestamp;
use crate::domain::Verdict;
use crate::fold::Approval;
use crate::fold::CallStage;
use crate::fold::OpenCall;
use crate::fold::Run;
use crate::fold::Snapshot;

/// The rule that asks where the policy would let a changed call run.
const RULE: &str = "edited-call";
/// Seconds that such a request waits: as long as a policy lets one wait that does not say.
const LIFETIME: u64 = 30 * 60;

pub(super) fn edit(
    snapshot: &Snapshot,
    id: ApprovalId,
    digest: &str,
    args: Value,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Decided>, Rejection> {
    let approval = find_open_approval(snapshot, id, by)?;
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
    if arguments(snapshot, approval) == Some(&args) {
        return Err(wrong_kind("nothing was changed", "change an argument, or approve the call as it is"));
    }
    Ok(vec![in_approval(id, by, ApprovalEvent::Edited { digest: approval.digest.clone(), args })])
}

/// What the call would run with now, where its history is open.
fn arguments<'a>(snapshot: &'a Snapshot, approval: &Approval) -> Option<&'a Value> {
    let entry = snapshot.threads.get(&approval.run)?.calls.get(&approval.call)?;
    Some(&entry.call.args)
}

/// What follows in the run from a request that ended as edited.
pub(super) fn follow(run: &Run, open: &OpenCall, edited: &Approval) -> Vec<Decided> {
    let Some(args) = edited.edited_to.clone() else { return Vec::new() };
    let event = RunEvent::CallEdited { call: open.call, approval: edited.id, args };
    vec![in_run(run.id, &editor(edited), event)]
}

/// What a person made of a call, by the request that has just ended as edited or by an earlier one.
pub(super) fn of_call(snapshot: &Snapshot, run: &Run, open: &OpenCall) -> Option<CallEdit> {
    let entry = snapshot.threads.get(&run.id)?.calls.get(&open.call)?;
    let CallStage::Parked { approval, .. } = &open.stage else { return entry.edit.clone() };
    let edited = snapshot.approvals.get(approval).filter(|approval| approval.state == ApprovalState::Edited);
    match edited {
        Some(edited) => Some(CallEdit {
            by: editor(edited),
            request: edited.id,
            asked: entry.asked().clone(),
            args: edited.edited_to.clone()?,
        }),
        None => entry.edit.clone(),
    }
}

fn editor(edited: &Approval) -> Actor {
    edited.decided_by.clone().unwrap_or(Actor::System)
}

/// A call that was asked about once is asked about in whatever form it gets: that the policy would let the changed one
/// run is no leave from the person who only changed it.
pub(super) fn asks_again(edit: Option<&CallEdit>, preparation: CallPreparation) -> CallPreparation {
    match (edit, preparation) {
        (Some(edit), CallPreparation::Judged { card, verdict: Verdict::Run { rule, .. } }) => {
            let reason = format!("{} changed it; by itself it would run by rule {rule}", edit.by.name());
            let verdict = Verdict::Ask { rule: RULE.to_owned(), reason, expires_after: LIFETIME };
            CallPreparation::Judged { card, verdict }
        }
        (
            _,
            kept @ (CallPreparation::Judged { .. }
            | CallPreparation::Question { .. }
            | CallPreparation::Finish { .. }
            | CallPreparation::Mark { .. }
            | CallPreparation::Invalid { .. }),
        ) => kept,
    }
}
