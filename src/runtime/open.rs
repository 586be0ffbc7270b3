//! Loading what is live: cost follows what is open, not what ever happened.

use crate::domain::RunId;
use crate::fold::{Snapshot, Thread};
use crate::kinds::RowKind;
use crate::ports::{Log, LogError, LogErrorKind, RowFilter, RowQuery};

/// Ended runs and settled requests loaded at the start, of each.
pub(super) const RECENT: u32 = 50;
/// Days of spending loaded at the start: what a screen can show, and any month that is not over.
const DAYS: u32 = 92;
/// Most open rows of a kind; more than anybody can supervise.
const PAGE: u32 = 1000;

/// The snapshot as of the log's head at some moment while it loads.
pub(super) async fn load(log: &dyn Log) -> Result<Snapshot, LogError> {
    let mut snapshot = load_spend(log).await?;
    // These rows may be newer than the cursor: each knows its version, and takes no event in twice.
    for kind in RowKind::OF_STREAMS.iter().copied() {
        load_rows(log, RowQuery::whole(kind, RowFilter::Open), &mut snapshot).await?;
        load_rows(log, RowQuery::first(kind, RowFilter::All, RECENT), &mut snapshot).await?;
    }
    Ok(snapshot)
}

/// What days cost are sums without versions, so these rows must be exactly as old as the cursor. They are few: others
/// may write all the time and still leave a moment to read them in.
pub(super) async fn load_spend(log: &dyn Log) -> Result<Snapshot, LogError> {
    loop {
        let head = log.head().await?;
        let mut snapshot = Snapshot { cursor: head.seq, ..Snapshot::default() };
        let days = RowQuery::first(RowKind::Spend, RowFilter::All, DAYS);
        load_rows(log, days, &mut snapshot).await?;
        if log.head().await?.seq == head.seq {
            return Ok(snapshot);
        }
    }
}

/// Loads some rows into a snapshot.
pub(super) async fn load_rows(log: &dyn Log, wanted: RowQuery, snapshot: &mut Snapshot) -> Result<(), LogError> {
    for row in log.rows(wanted).await?.rows {
        snapshot.load(&row).map_err(|error| {
            LogError::new(
                LogErrorKind::Unusable,
                format!("the stored {} {} cannot be read: {error}", row.key.kind.name(), row.key.id),
                "run `morningai db rebuild` to compute it from the log again",
            )
        })?;
    }
    Ok(())
}

/// A run's history, read from its stream.
pub(super) async fn load_thread(log: &dyn Log, run: RunId) -> Result<Option<Thread>, LogError> {
    let stream = crate::kinds::Stream::Run(run);
    let mut events = log.read_stream(stream, 0, PAGE).await?;
    let Some(mut thread) = Thread::of(&events) else { return Ok(None) };
    while let Some(last) = events.last().filter(|_| events.len() == PAGE as usize) {
        events = log.read_stream(stream, last.version, PAGE).await?;
        events.iter().for_each(|envelope| thread.apply(envelope));
    }
    Ok(Some(thread))
}
