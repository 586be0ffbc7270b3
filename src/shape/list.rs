//! Lists as scripts get them: what is open first asked of the snapshot, what has ended of the store.

use crate::domain::{ApprovalState, RunState};
use crate::fold::Snapshot;
use crate::kinds::{Approval, RowKind, Run, Surface, Thing};
use crate::ports::{Answer, Client, ClientError, Page, Query};

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
    let wanted = |run: &Run| state.is_none_or(|state| run.state == state);
    ended_of(client, RowKind::Run, most, state.is_some(), wanted, Answer::rows::<Run>).await
}

/// The newest of a kind that have ended and are `wanted`, at most as many.
async fn ended_of<T>(
    client: &dyn Client,
    kind: RowKind,
    most: u32,
    is_filtered: bool,
    wanted: impl Fn(&T) -> bool,
    read: impl Fn(Answer) -> Result<Page<T>, ClientError>,
) -> Result<Vec<T>, ClientError> {
    // A filter may leave little of a page, so then the pages are large.
    let size = if is_filtered { PAGE } else { PAGE.min(most).max(1) };
    let most = most as usize;
    let mut found = Vec::new();
    for offset in (0..).step_by(size as usize) {
        if found.len() >= most {
            break;
        }
        let page = client.query(Query::ended(kind, offset, size)).await.and_then(&read)?;
        found.extend(page.rows.into_iter().filter(&wanted));
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
    let wanted = |approval: &Approval| approval.state == state;
    if state.is_open() {
        let open = snapshot.open_approvals().filter(|approval| wanted(approval));
        return Ok(open.take(most as usize).cloned().collect());
    }
    ended_of(client, RowKind::Approval, most, true, wanted, Answer::rows::<Approval>).await
}

/// Things of a kind, newest first: all that are open, and at most `most_ended` of the others; with `state`, only those
/// in it.
pub async fn things(
    client: &dyn Client,
    snapshot: &Snapshot,
    surface: &Surface,
    state: Option<&str>,
    most_ended: u32,
) -> Result<Vec<Thing>, ClientError> {
    let wanted = |thing: &Thing| state.is_none_or(|state| thing.state == state);
    let mut things = surface.things(snapshot);
    things.retain(|thing| thing.is_open && wanted(thing));
    let read = |answer: Answer| answer.things(surface);
    things.extend(ended_of(client, surface.kind, most_ended, state.is_some(), wanted, read).await?);
    things.sort_by_key(|thing| std::cmp::Reverse((thing.began, thing.id)));
    Ok(things)
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
