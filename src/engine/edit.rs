//! Changing what an agent asks to do: the request ends, and the call is asked for again as it now is. Never runs
//! anything: whatever the policy says of the changed call, a person still has to approve it.

use super::Decided;
use super::record::in_run;
use crate::domain::{Actor, ApprovalState, CallEdit, Verdict};
use crate::fold::Snapshot;
use crate::kinds::{Approval, CallPreparation, CallStage, OpenCall, Run, RunEvent};

/// The rule that asks where the policy would let a changed call run.
const RULE: &str = "edited-call";
/// Seconds that such a request waits: as long as a policy lets one wait that does not say.
const LIFETIME: u64 = 30 * 60;

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
            | CallPreparation::Delegate { .. }
            | CallPreparation::Finish { .. }
            | CallPreparation::Mark { .. }
            | CallPreparation::Invalid { .. }),
        ) => kept,
    }
}
