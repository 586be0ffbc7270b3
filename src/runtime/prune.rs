//! What may be pruned: runs that ended long ago, the requests they made, and outputs that nothing else names.
//!
//! Decides only; the store removes. Holds as much in memory as a rebuild of what is to be removed, and the ids of all
//! outputs.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::domain::{RunId, Spent, Timestamp};
use crate::fold::Snapshot;
use crate::kinds::{Approval, Owner, Row, RowKind, Run, Stream};
use crate::ports::{Log, LogError, LogErrorKind, RowFilter, RowPlace, RowQuery, StoredOutput, StoredOutputs};

/// Events, rows and ids read at once.
const PAGE: u32 = 1_000;

/// Events after which a portion has enough, so that others never wait long for its transaction. A run is never parted.
const PORTION: u64 = 500;

/// What can be removed, as of the event `after`.
#[derive(Clone, Debug, Default)]
pub struct PrunePlan {
    pub after: u64,
    /// Each to be removed at once, in any order.
    pub portions: Vec<PrunePortion>,
    /// Outputs that no event names once those are gone.
    pub outputs: Vec<StoredOutput>,
}

/// Some of the runs.
#[derive(Clone, Debug, Default)]
pub struct PrunePortion {
    /// The runs, and what they asked.
    pub streams: BTreeSet<Stream>,
    pub events: u64,
    /// What the calls of models in them cost.
    pub spent: Vec<Spent>,
    /// How many of the runs began on each day.
    pub began: BTreeMap<NaiveDate, u64>,
}

impl PrunePortion {
    pub fn runs(&self) -> u64 {
        self.streams.iter().filter(|stream| matches!(stream, Stream::Run(_))).count() as u64
    }
}

/// Looks through the whole log, and what is stored of its outputs.
pub async fn plan_prune(
    log: &dyn Log,
    outputs: &dyn StoredOutputs,
    ended_before: Timestamp,
) -> Result<PrunePlan, LogError> {
    let (mut portions, mut portion_of) = portioned(ended(log, ended_before).await?);
    let mut removed: Vec<_> = portions.iter().map(|_| Snapshot::default()).collect();
    let mut plan = PrunePlan::default();
    let mut still_named = BTreeSet::new();
    loop {
        let page = log.read(plan.after, PAGE).await?;
        let Some(last) = page.last() else { break };
        plan.after = last.seq;
        for envelope in &page {
            if envelope.version == 1
                && let Owner::Stream(parent) = envelope.event.owner(&envelope.by)
                && let Some(at) = portion_of.get(&parent).copied()
            {
                portion_of.insert(envelope.stream, at);
            }
            let at = portion_of.get(&envelope.stream).copied();
            match at.and_then(|at| Some((portions.get_mut(at)?, removed.get_mut(at)?))) {
                Some((portion, removed)) => {
                    portion.streams.insert(envelope.stream);
                    portion.events += 1;
                    removed.apply(envelope);
                }
                None => still_named.extend(envelope.event.output().and_then(|output| outputs.found_by(output))),
            }
        }
    }
    for (portion, removed) in portions.iter_mut().zip(removed) {
        portion.spent = removed.spend.iter().flat_map(|(day, spend)| spend.spent_on(*day)).collect();
        let began = removed.spend.iter().map(|(day, spend)| (*day, spend.runs));
        portion.began = began.filter(|(_, runs)| *runs > 0).collect();
    }
    // Somebody else may have pruned some of them since their rows were read.
    portions.retain(|portion| portion.events > 0);
    plan.portions = portions;
    plan.outputs = unnamed(outputs, &still_named).await?;
    Ok(plan)
}

/// Brings what is to be done about outputs up to the log as it is now: what was named since stays.
pub async fn keep_named_outputs(
    log: &dyn Log,
    outputs: &dyn StoredOutputs,
    plan: &mut PrunePlan,
) -> Result<(), LogError> {
    loop {
        let page = log.read(plan.after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        plan.after = last.seq;
        let named = page.iter().filter_map(|envelope| outputs.found_by(envelope.event.output()?));
        let named: BTreeSet<_> = named.collect();
        plan.outputs.retain(|output| !named.contains(output.found_by()));
    }
}

/// Portions that are empty yet, and which of them each run belongs to.
fn portioned(runs: BTreeMap<RunId, u64>) -> (Vec<PrunePortion>, BTreeMap<Stream, usize>) {
    let mut portions: Vec<PrunePortion> = Vec::new();
    let mut portion_of = BTreeMap::new();
    let mut events = PORTION;
    for (run, length) in runs {
        if events >= PORTION {
            portions.push(PrunePortion::default());
            events = 0;
        }
        events += length;
        portion_of.insert(Stream::Run(run), portions.len() - 1);
    }
    (portions, portion_of)
}

/// Runs that ended before then and have nothing open, with how many events each has.
async fn ended(log: &dyn Log, before: Timestamp) -> Result<BTreeMap<RunId, u64>, LogError> {
    let mut runs = BTreeMap::new();
    let mut wanted = RowQuery::first(RowKind::Run, RowFilter::Ended, PAGE);
    loop {
        let page = log.rows(wanted.clone()).await?;
        for row in &page.rows {
            let run: Run = read(row)?;
            wanted.after = Some(RowPlace::of(&run));
            if run.ended_at.is_some_and(|at| at < before) {
                runs.insert(run.id, run.version);
            }
        }
        if !page.more {
            break;
        }
    }
    for row in log.rows(RowQuery::whole(RowKind::Approval, RowFilter::Open)).await?.rows {
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

async fn unnamed(outputs: &dyn StoredOutputs, named: &BTreeSet<Vec<u8>>) -> Result<Vec<StoredOutput>, LogError> {
    let mut unnamed = Vec::new();
    let mut last: Option<StoredOutput> = None;
    loop {
        let stored = outputs.stored_outputs(last.as_ref(), PAGE).await?;
        let Some(end) = stored.last() else { return Ok(unnamed) };
        last = Some(end.clone());
        unnamed.extend(stored.into_iter().filter(|output| !named.contains(output.found_by())));
    }
}
