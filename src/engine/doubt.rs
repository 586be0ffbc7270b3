//! Putting an outcome in doubt: a started effect that can be neither repeated nor checked, or was under way at too many
//! deaths to be.

use super::Decided;
use super::record::{in_approval, in_run, stale};
use super::recover::{MOST_DEATHS, each_time};
use crate::domain::{Actor, ApprovalId, Ask, CallNo, Rejection, RunId, Untrusted};
use crate::fold::Snapshot;
use crate::kinds::{ApprovalEvent, CallStage, RunEvent, find_live_run};

pub(super) fn doubt(
    snapshot: &Snapshot,
    id: RunId,
    call: CallNo,
    attempt: u32,
    approval: ApprovalId,
    why: &Untrusted,
) -> Result<Vec<Decided>, Rejection> {
    let run = find_live_run(snapshot, id)?;
    let open = run.open_call(call).ok_or_else(|| stale(id, "the call"))?;
    let CallStage::Started { attempt: current, digest, .. } = &open.stage else {
        return Err(stale(id, "the call"));
    };
    if *current != attempt {
        return Err(stale(id, "the attempt"));
    }
    let entry = snapshot.threads.get(&id).and_then(|thread| thread.calls.get(&call));
    let card = entry.and_then(|entry| entry.card.as_deref()).ok_or_else(|| stale(id, "the card"))?.clone();
    let (rule, reason) = match open.deaths {
        MOST_DEATHS.. => ("repeated-deaths", each_time(open.deaths)),
        _ if !why.is_empty() => ("unknown-outcome", why.raw().to_owned()),
        _ => ("unknown-outcome", "It was started, and the program ended before its outcome was known.".to_owned()),
    };
    let requested = ApprovalEvent::Requested {
        run: id,
        call,
        tool: open.tool.clone(),
        digest: digest.clone(),
        ask: Box::new(Ask::InDoubt { card, attempt }),
        rule: rule.to_owned(),
        reason,
        rationale: Untrusted::default(),
        not_mentioned: Vec::new(),
        expires_at: None,
        edit: None,
    };
    Ok(vec![
        in_approval(approval, &Actor::System, requested),
        in_run(id, &Actor::System, RunEvent::EffectInDoubt { call, attempt, approval }),
    ])
}
