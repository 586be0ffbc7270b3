//! Lists as scripts get them: what is open first asked of the snapshot, what has ended of the store.

use crate::domain::{ApprovalState, RunState};
use crate::fold::Snapshot;
use crate::kinds::{Approval, RowKind, Run};
use crate::ports::{Client, ClientError, Query};

/// Rows read at once.
const PAGE: u32 = 500;

/// Runs, newest first: all that go on, and at most `most_ended` of the others; with `state`, only those in it.
pub async fn runs(
    client: &dyn Client,
    snapshot: &Snapshot,
    state: Option<RunState>,
    most_ended: u32,
) -> Result<Vec<Run>, ClientError> {
    let wanted = |run: &Run| state.is_none_or(|state| run.state == state);
    let mut runs: Vec<Run> =
        snapshot.runs_newest_first().filter(|run| !run.state.is_final() && wanted(run)).cloned().collect();
    if state.is_none_or(RunState::is_final) {
        runs.extend(ended(client, state, most_ended).await?);
    }
    runs.sort_by_key(|run| std::cmp::Reverse((run.started_at, run.id)));
    Ok(runs)
}

async fn ended(client: &dyn Client, state: Option<RunState>, most: u32) -> Result<Vec<Run>, ClientError> {
    let most = most as usize;
    let page = PAGE.min(u32::try_from(most).unwrap_or(PAGE)).max(1);
    // A filter may leave little of a page, so then the pages are large.
    let page = if state.is_none() { page } else { PAGE };
    let mut found: Vec<Run> = Vec::new();
    for offset in (0..).step_by(page as usize) {
        if found.len() >= most {
            break;
        }
        let page = client.query(Query::ended(RowKind::Run, offset, page)).await?.rows::<Run>()?;
        found.extend(page.rows.into_iter().filter(|run| state.is_none_or(|state| run.state == state)));
        if !page.more {
            break;
        }
    }
    found.truncate(most);
    Ok(found)
}

/// Requests in one state, at most as many: open ones oldest first, others newest first.
pub async fn approvals_in(
    client: &dyn Client,
    snapshot: &Snapshot,
    state: ApprovalState,
    most: u32,
) -> Result<Vec<Approval>, ClientError> {
    let most = most as usize;
    if state.is_open() {
        return Ok(snapshot.open_approvals().filter(|approval| approval.state == state).take(most).cloned().collect());
    }
    let mut found: Vec<Approval> = Vec::new();
    for offset in (0..).step_by(PAGE as usize) {
        let page = client.query(Query::ended(RowKind::Approval, offset, PAGE)).await?.rows::<Approval>()?;
        found.extend(page.rows.into_iter().filter(|approval| approval.state == state));
        if !page.more || found.len() >= most {
            break;
        }
    }
    found.truncate(most);
    Ok(found)
}

/// Open requests, oldest first, as they should be dealt with; then at most `most_settled` others, newest first.
pub async fn approvals(
    client: &dyn Client,
    snapshot: &Snapshot,
    most_settled: u32,
) -> Result<Vec<Approval>, ClientError> {
    let mut approvals: Vec<Approval> = snapshot.open_approvals().cloned().collect();
    if most_settled > 0 {
        let page = client.query(Query::ended(RowKind::Approval, 0, most_settled)).await?.rows::<Approval>()?;
        approvals.extend(page.rows);
    }
    Ok(approvals)
}
