//! Lists as scripts get them, asked of the store.

use chrono::NaiveDate;

use crate::domain::{ApprovalState, RunState};
use crate::kinds::{Approval, Budget, DaySpend, Days, RowKind, Rowed, Run, Surface, Table, Thing};
use crate::ports::{Answer, Client, ClientError, Page, Query, RowFilter, RowPlace, RowQuery};

/// Rows read at once.
const PAGE: u32 = 500;

/// Runs, newest first: all that go on, and at most `most_ended` of the others; with `state`, only those in it.
pub async fn runs(client: &dyn Client, state: Option<RunState>, most_ended: u32) -> Result<Vec<Run>, ClientError> {
    let mut runs: Vec<Run> = match state {
        None => newest(client, RowFilter::Open, u32::MAX).await?,
        Some(state) => {
            let most = if state.is_final() { most_ended } else { u32::MAX };
            newest(client, in_state(state.name()), most).await?
        }
    };
    if state.is_none() {
        join(&mut runs, newest(client, RowFilter::Ended, most_ended).await?, |run| run.id);
    }
    runs.sort_by_key(|run| std::cmp::Reverse((run.started_at, run.id)));
    Ok(runs)
}

/// Requests in one state, at most as many: open ones oldest first, others newest first.
pub async fn approvals_in(client: &dyn Client, state: ApprovalState, most: u32) -> Result<Vec<Approval>, ClientError> {
    if !state.is_open() {
        return newest(client, in_state(state.name()), most).await;
    }
    let mut open = newest(client, in_state(state.name()), u32::MAX).await?;
    open.sort_by_key(|approval: &Approval| approval.id);
    open.truncate(most as usize);
    Ok(open)
}

/// Open requests, oldest first, as they should be dealt with; then at most `most_settled` others, newest first.
pub async fn approvals(client: &dyn Client, most_settled: u32) -> Result<Vec<Approval>, ClientError> {
    let mut approvals: Vec<Approval> = newest(client, RowFilter::Open, u32::MAX).await?;
    approvals.sort_by_key(|approval| approval.id);
    join(&mut approvals, newest(client, RowFilter::Ended, most_settled).await?, |approval| approval.id);
    Ok(approvals)
}

/// Adds those that have ended. What ended between the two questions was still open at the first, and is told once.
fn join<T, Id: PartialEq>(open: &mut Vec<T>, ended: Vec<T>, id: impl Fn(&T) -> Id) {
    open.retain(|one| ended.iter().all(|other| id(other) != id(one)));
    open.extend(ended);
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

/// What each day cost that cost something, as many of them.
pub async fn days(client: &dyn Client, most: u32) -> Result<Days, ClientError> {
    let place = |(day, _): &(NaiveDate, DaySpend)| RowPlace { sort: DaySpend::index(*day).sort, id: day.to_string() };
    let days = newest_of(client, (RowKind::Spend, RowFilter::All), most, Answer::days, place).await?;
    Ok(days.into_iter().collect())
}

/// The budgets that people set and that hold.
pub async fn budgets(client: &dyn Client) -> Result<Table<Budget>, ClientError> {
    let set: Vec<Budget> = newest(client, RowFilter::Open, u32::MAX).await?;
    Ok(set.into_iter().map(|budget| (budget.id, budget)).collect())
}

/// Things of a kind, newest first: all that are open, and at most `most_ended` of the others; with `state`, only those
/// in it.
pub async fn things(
    client: &dyn Client,
    surface: &Surface,
    state: Option<&str>,
    most_ended: u32,
) -> Result<Vec<Thing>, ClientError> {
    let place = |thing: &Thing| RowPlace { sort: thing.began, id: thing.id.to_string() };
    let read = |answer: Answer| answer.things(surface);
    let Some(state) = state else {
        let mut things = newest_of(client, (surface.kind, RowFilter::Open), u32::MAX, read, place).await?;
        let ended = newest_of(client, (surface.kind, RowFilter::Ended), most_ended, read, place).await?;
        join(&mut things, ended, |thing| thing.id);
        things.sort_by_key(|thing| std::cmp::Reverse((thing.began, thing.id)));
        return Ok(things);
    };
    newest_of(client, (surface.kind, in_state(state)), most_ended, read, place).await
}
