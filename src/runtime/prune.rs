//! What may be pruned: runs that ended long ago, the requests they made, and outputs that nothing else names.
//!
//! Decides only; the store removes. Holds as much in memory as a rebuild of what is to be removed, and the ids of all
//! outputs.

use std::collections::BTreeSet;

use crate::domain::ApprovalEvent;
use crate::domain::BlobId;
use crate::domain::Event;
use crate::domain::RunId;
use crate::domain::Spent;
use crate::domain::Stream;
use crate::domain::Timestamp;
use crate::fold::Approval;
use crate::fold::Row;
use crate::fold::RowKind;
use crate::fold::Run;
use crate::fold::Snapshot;
use crate::ports::Log;
use crate::ports::LogError;
use crate::ports::LogErrorKind;
use crate::ports::RowFilter;

use super::outputs::output_of;

/// Events, rows and ids read at once.
const PAGE: u32 = 1_000;

/// What can be removed, as of the event `after`.
#[derive(Clone, Debug, Default)]
pub struct PrunePlan {
    pub after: u64,
    pub runs: BTreeSet<RunId>,
    /// The runs, and what they asked.
    pub streams: BTreeSet<Stream>,
    pub events: u64,
    /// Outputs that no event names once those are gone.
    pub outputs: Vec<BlobId>,
    /// What the calls of models in them cost.
    pub spent: Vec<Spent>,
}

/// Looks through the whole log.
pub async fn plan_prune(log: &dyn Log, ended_before: Timestamp) -> Result<PrunePlan, LogError> {
    let runs = ended(log, ended_before).await?;
    let streams = runs.iter().copied().map(Stream::Run).collect();
    let mut plan = PrunePlan { runs, streams, ..PrunePlan::default() };
    if plan.runs.is_empty() {
        return Ok(plan);
    }
    let mut removed = Snapshot::default();
    let mut still_named = BTreeSet::new();
    loop {
        let page = log.read(plan.after, PAGE).await?;
        let Some(last) = page.last() else { break };
        plan.after = last.seq;
        for envelope in &page {
            if let (Event::Approval(ApprovalEvent::Requested { run, .. }), true) =
                (&envelope.event, matches!(envelope.stream, Stream::Approval(_)))
                && plan.runs.contains(run)
            {
                plan.streams.insert(envelope.stream);
            }
            if plan.streams.contains(&envelope.stream) {
                plan.events += 1;
                removed.apply(envelope);
            } else {
                still_named.extend(output_of(&envelope.event).cloned());
            }
        }
    }
    plan.spent = removed.spend.iter().flat_map(|(day, spend)| spend.spent_on(*day)).collect();
    plan.outputs = unnamed(log, &still_named).await?;
    Ok(plan)
}

/// Runs that ended before then and have nothing open.
async fn ended(log: &dyn Log, before: Timestamp) -> Result<BTreeSet<RunId>, LogError> {
    let mut runs = BTreeSet::new();
    for offset in (0..).step_by(PAGE as usize) {
        let page = log.rows(RowFilter::Closed { kind: RowKind::Run, offset, limit: PAGE }).await?;
        for row in &page.rows {
            let run: Run = read(row)?;
            if run.ended_at.is_some_and(|at| at < before) {
                runs.insert(run.id);
            }
        }
        if !page.more {
            break;
        }
    }
    for row in log.rows(RowFilter::Open(RowKind::Approval)).await?.rows {
        runs.remove(&read::<Approval>(&row)?.run);
    }
    Ok(runs)
}

fn read<T: serde::de::DeserializeOwned>(row: &Row) -> Result<T, LogError> {
    serde_json::from_str(&row.body).map_err(|error| {
        LogError::new(
            LogErrorKind::Unsound,
            format!("the row of {} {} cannot be read: {error}", row.key.kind.name(), row.key.id),
            "run `morningai log verify`, then `morningai db rebuild`",
        )
    })
}

async fn unnamed(log: &dyn Log, named: &BTreeSet<BlobId>) -> Result<Vec<BlobId>, LogError> {
    let mut unnamed = Vec::new();
    let mut last: Option<BlobId> = None;
    loop {
        let ids = log.blob_ids(last.as_ref(), PAGE).await?;
        let Some(end) = ids.last() else { return Ok(unnamed) };
        last = Some(end.clone());
        for id in ids.into_iter().filter(|id| !named.contains(id)) {
            // Only what is stored under the name that events would use.
            if log.get_blob(&id).await?.is_some() {
                unnamed.push(id);
            }
        }
    }
}
