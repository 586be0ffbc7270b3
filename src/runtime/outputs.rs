//! Whether the stored outputs are what was stored, and all those that events name are there.

use std::collections::BTreeMap;

use crate::domain::BlobId;
use crate::ports::{Log, LogError, LogErrorKind};

/// Events read at once.
const PAGE: u32 = 1_000;
/// Ids read at once.
const IDS: u32 = 1_000;
/// After this many problems only their number is of interest.
const MOST_TOLD: usize = 200;

/// What a look at all outputs found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputsReport {
    /// Outputs that were read and are what was stored.
    pub sound: u64,
    /// A sentence for each of the others.
    pub problems: Vec<String>,
}

/// Reads every output and compares it with its id, then says which are missing. Holds the ids that events name in
/// memory, and one output.
pub async fn check_outputs(log: &dyn Log) -> Result<OutputsReport, LogError> {
    // The events first: what one of them names was stored before it.
    let mut named = named(log).await?;
    let mut report = OutputsReport::default();
    let mut last: Option<BlobId> = None;
    loop {
        let ids = log.blob_ids(last.as_ref(), IDS).await?;
        let Some(end) = ids.last() else { break };
        last = Some(end.clone());
        for id in ids {
            match log.get_blob(&id).await {
                Ok(Some(_)) => report.sound += 1,
                // Removed since it was listed, so nothing names it any more.
                Ok(None) => {}
                Err(error) if error.kind == LogErrorKind::Unsound => report.problems.push(error.message),
                Err(error) => return Err(error),
            }
            named.remove(&id);
        }
    }
    // A store may keep what it does not list by these ids.
    for (id, seq) in named {
        match log.get_blob(&id).await {
            Ok(Some(_)) => report.sound += 1,
            Ok(None) if names(log, seq, &id).await? => {
                report.problems.push(format!("output {} is missing, which event {seq} names", id.0));
            }
            Ok(None) => {}
            Err(error) if error.kind == LogErrorKind::Unsound => report.problems.push(error.message),
            Err(error) => return Err(error),
        }
    }
    if report.problems.len() > MOST_TOLD {
        let more = report.problems.len() - MOST_TOLD;
        report.problems.truncate(MOST_TOLD);
        report.problems.push(format!("and {more} more"));
    }
    Ok(report)
}

/// Each output that an event names, with the number of the first.
async fn named(log: &dyn Log) -> Result<BTreeMap<BlobId, u64>, LogError> {
    let mut named = BTreeMap::new();
    let mut cursor = 0;
    loop {
        let page = log.read(cursor, PAGE).await?;
        let Some(last) = page.last() else { return Ok(named) };
        cursor = last.seq;
        for envelope in &page {
            if let Some(id) = envelope.event.output() {
                named.entry(id.clone()).or_insert(envelope.seq);
            }
        }
    }
}

/// Whether the event is still there, and names it: somebody may have removed both meanwhile.
async fn names(log: &dyn Log, seq: u64, id: &BlobId) -> Result<bool, LogError> {
    let found = log.read(seq - 1, 1).await?;
    Ok(found.first().is_some_and(|envelope| envelope.seq == seq && envelope.event.output() == Some(id)))
}
