//! Lists as scripts get them: what is open first asked of the snapshot, what has ended of the store.

use crate::domain::{ApprovalState, RunState};
use crate::fold::Snapshot;
use crate::kinds::{Approval, RowKind, Rowed, Run, Surface, Thing};
use crate::ports::{Answer, Client, ClientError, Page, Query, RowFilter, RowPlace, RowQuery};

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
    match state {
        None => runs.extend(newest(client, RowFilter::Ended, most_ended).await?),
        Some(state) if state.is_final() => runs.extend(newest(client, in_state(state.name()), most_ended).await?),
        Some(_) => {}
    }
    runs.sort_by_key(|run| std::cmp::Reverse((run.started_at, run.id)));
    Ok(runs)
}

/// Requests in one state, at most as many: open ones oldest first, others newest first.
pub async fn approvals_in(
    client: &dyn Client,
    snapshot: &Snapshot,
    state: ApprovalState,
    most: u32,
) -> Result<Vec<Approval>, ClientError> {
    if !state.is_open() {
        return newest(client, in_state(state.name()), most).await;
    }
    let open = snapshot.open_approvals().filter(|approval| approval.state == state);
    Ok(open.take(most as usize).cloned().collect())
}

/// Open requests, oldest first, as they should be dealt with; then at most `most_settled` others, newest first.
pub async fn approvals(
    client: &dyn Client,
    snapshot: &Snapshot,
    most_settled: u32,
) -> Result<Vec<Approval>, ClientError> {
    let mut approvals: Vec<Approval> = snapshot.open_approvals().cloned().collect();
    approvals.extend(newest(client, RowFilter::Ended, most_settled).await?);
    Ok(approvals)
}

fn in_state(name: &str) -> RowFilter {
    RowFilter::InState(name.to_owned())
}

/// At most as many rows, read a page at a time.
async fn newest<K: Rowed>(client: &dyn Client, filter: RowFilter, most: u32) -> Result<Vec<K>, ClientError> {
    newest_of(client, (K::KIND, filter), most, Answer::rows::<K>, RowPlace::of).await
}

async fn newest_of<T>(
    client: &dyn Client,
    (kind, filter): (RowKind, RowFilter),
    most: u32,
    read: impl Fn(Answer) -> Result<Page<T>, ClientError>,
    place: impl Fn(&T) -> RowPlace,
) -> Result<Vec<T>, ClientError> {
    let mut wanted = RowQuery::first(kind, filter, 0);
    let mut found: Vec<T> = Vec::new();
    loop {
        wanted.limit = PAGE.min(most.saturating_sub(u32::try_from(found.len()).unwrap_or(most)));
        if wanted.limit == 0 {
            return Ok(found);
        }
        let page = client.query(Query::Rows(wanted.clone())).await.and_then(&read)?;
        wanted.after = page.rows.last().map(&place);
        found.extend(page.rows);
        if !page.more || wanted.after.is_none() {
            return Ok(found);
        }
    }
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
    let mut things = surface.things(snapshot);
    things.retain(|thing| thing.is_open && state.is_none_or(|state| thing.state == state));
    let filter = state.map_or(RowFilter::Ended, in_state);
    let place = |thing: &Thing| RowPlace { sort: thing.began, id: thing.id.to_string() };
    let stored = newest_of(client, (surface.kind, filter), most_ended, |answer| answer.things(surface), place).await?;
    things.extend(stored.into_iter().filter(|thing| !thing.is_open));
    things.sort_by_key(|thing| std::cmp::Reverse((thing.began, thing.id)));
    Ok(things)
}
