//! Lists as scripts get them, asked of the store.

use crate::domain::{ApprovalState, RunState};
use crate::kinds::{Approval, Rowed, Run};
use crate::ports::{Client, ClientError, Query, RowFilter, RowPlace, RowQuery};

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
        runs.extend(newest(client, RowFilter::Ended, most_ended).await?);
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
    approvals.extend(newest(client, RowFilter::Ended, most_settled).await?);
    Ok(approvals)
}

fn in_state(name: &str) -> RowFilter {
    RowFilter::InState(name.to_owned())
}

/// At most as many rows, read a page at a time.
async fn newest<K: Rowed>(client: &dyn Client, filter: RowFilter, most: u32) -> Result<Vec<K>, ClientError> {
    let mut wanted = RowQuery::first(K::KIND, filter, 0);
    let mut found: Vec<K> = Vec::new();
    loop {
        wanted.limit = PAGE.min(most.saturating_sub(u32::try_from(found.len()).unwrap_or(most)));
        if wanted.limit == 0 {
            return Ok(found);
        }
        let page = client.query(Query::Rows(wanted.clone())).await?.rows::<K>()?;
        wanted.after = page.rows.last().map(RowPlace::of);
        found.extend(page.rows);
        if !page.more || wanted.after.is_none() {
            return Ok(found);
        }
    }
}
