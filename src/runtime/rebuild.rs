//! Computing all projection rows from the log again.

use std::collections::BTreeMap;

use crate::domain::Envelope;
use crate::fold::Row;
use crate::fold::RowKey;
use crate::fold::Snapshot;
use crate::ports::Log;
use crate::ports::LogError;

/// Events read at once.
const PAGE: u32 = 5_000;

/// What a rebuild did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebuildReport {
    pub events: u64,
    pub rows: usize,
}

/// Folds the whole log and replaces the stored rows with what comes out.
pub async fn rebuild(log: &dyn Log) -> Result<RebuildReport, LogError> {
    let mut snapshot = Snapshot::default();
    let mut done: BTreeMap<RowKey, Row> = BTreeMap::new();
    let mut events = 0;
    loop {
        let page = log.read(snapshot.cursor, PAGE).await?;
        if page.is_empty() {
            break;
        }
        events += page.len() as u64;
        fold(&mut snapshot, &mut done, &page);
    }
    let rows: Vec<_> = done.into_values().collect();
    let report = RebuildReport { events, rows: rows.len() };
    log.replace_rows(rows).await?;
    Ok(report)
}

fn fold(snapshot: &mut Snapshot, done: &mut BTreeMap<RowKey, Row>, page: &[Envelope]) {
    let mut touched = std::collections::BTreeSet::new();
    for envelope in page {
        touched.extend(snapshot.apply(envelope));
    }
    for key in touched {
        done.extend(snapshot.row(&key).map(|row| (key, row)));
    }
}
