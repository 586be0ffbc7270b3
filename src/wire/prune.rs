//! Removing runs that ended long ago: checked first, decided from the log, done by the store, a portion at a time.

use std::time::Instant;

use super::Wire;
use super::store::OpenStore;
use crate::cli::{Failure, Pruned, Trial};
use crate::domain::{Actor, Timestamp};
use crate::ports::{Clock, Log, LogError, LogErrorKind, Pruning, SystemClock};
use crate::runtime::{PrunePlan, PrunePortion, Turns, keep_named_outputs, plan_prune};
use crate::store::OutputsPruned;

/// How often to decide again because somebody appended meanwhile.
const TRIES: usize = 10;

/// Outputs removed in one transaction. One may have 16 MiB.
const OUTPUTS: usize = 50;

pub(super) async fn prune(wire: &Wire, ended_before: Timestamp, trial: Trial) -> Result<Pruned, Failure> {
    let store = match trial {
        Trial::Yes => wire.store_to_read().await?,
        Trial::No => wire.store_to_write().await?,
    };
    let pruned = prune_store(&store, &Turns::default(), &wire.person, ended_before, trial).await;
    let closed = store.close().await;
    let pruned = pruned?;
    closed?;
    Ok(pruned)
}

/// The same on a store that is open, in somebody's name.
pub(super) async fn prune_store(
    store: &OpenStore,
    turns: &Turns,
    by: &Actor,
    ended_before: Timestamp,
    trial: Trial,
) -> Result<Pruned, Failure> {
    let (log, outputs) = (store.shared(), store.outputs());
    check(log.as_ref(), store).await?;
    let mut pruned = Pruned {
        store: store.place(),
        ended_before,
        runs: 0,
        events: 0,
        outputs: 0,
        outputs_left: false,
        trial: trial == Trial::Yes,
    };
    let mut tries = 0;
    loop {
        let plan = plan_prune(log.as_ref(), outputs.as_ref(), ended_before).await?;
        if trial == Trial::Yes {
            plan.portions.iter().for_each(|portion| count(&mut pruned, portion));
            pruned.outputs = plan.outputs.len() as u64;
            return Ok(pruned);
        }
        match perform((store, turns), by, plan, &mut pruned).await {
            Ok(()) => return Ok(pruned),
            // What is done is done; the rest is looked at again.
            Err(error) if error.kind == LogErrorKind::Conflict && tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

fn count(pruned: &mut Pruned, portion: &PrunePortion) {
    pruned.runs += portion.runs();
    pruned.events += portion.events;
}

/// What was changed must not be made to look as if it had been pruned.
async fn check(log: &dyn Log, store: &OpenStore) -> Result<(), Failure> {
    let report = log.verify(&[]).await?;
    if report.problems.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "the log was changed after it was written, so nothing was pruned:\n{}",
        report.problems.join("\n")
    ))
    .at(store.place())
    .next("keep the store as it is; compare it with a backup, and find out who else can write to it"))
}

/// Portion by portion, each told in the log by itself; the outputs at last, when no run names them any more.
async fn perform(
    (store, turns): (&OpenStore, &Turns),
    by: &Actor,
    plan: PrunePlan,
    pruned: &mut Pruned,
) -> Result<(), LogError> {
    let (Some(log), rows) = (store.prunable(), store.account_rows()) else { return Ok(()) };
    for portion in &plan.portions {
        let began = Instant::now();
        let pruning = Pruning {
            ended_before: pruned.ended_before,
            streams: portion.streams.iter().copied().collect(),
            events: portion.events,
            spent: portion.spent.clone(),
            began: portion.began.clone(),
            at: SystemClock.now(),
            by: by.clone(),
        };
        turns.prune(log, rows.as_ref(), &pruning).await?;
        count(pruned, portion);
        give_way(began).await;
    }
    remove_outputs(store, plan, pruned).await
}

async fn remove_outputs(store: &OpenStore, mut plan: PrunePlan, pruned: &mut Pruned) -> Result<(), LogError> {
    let (log, outputs) = (store.shared(), store.outputs());
    let mut tries = 0;
    loop {
        keep_named_outputs(log.as_ref(), outputs.as_ref(), &mut plan).await?;
        let rest = plan.outputs.len().saturating_sub(OUTPUTS);
        let Some(some) = plan.outputs.get(rest..).filter(|some| !some.is_empty()) else { return Ok(()) };
        let began = Instant::now();
        match store.prune_outputs(plan.after, some.to_vec()).await {
            Ok(OutputsPruned::Removed(count)) => {
                pruned.outputs += count;
                plan.outputs.truncate(rest);
                tries = 0;
            }
            Err(error) if error.kind == LogErrorKind::Conflict && tries < TRIES => tries += 1,
            // A log that moves on all the time is one that somebody works on.
            Err(error) if error.kind != LogErrorKind::Conflict => return Err(error),
            Ok(OutputsPruned::LeftForTheNextTime) | Err(_) => {
                pruned.outputs_left = true;
                return Ok(());
            }
        }
        give_way(began).await;
    }
}

/// Lets others write for as long as they had to wait. Who waits for an SQLite file looks again only now and then, and must
/// find it free often enough.
async fn give_way(began: Instant) {
    tokio::time::sleep(began.elapsed()).await;
}
