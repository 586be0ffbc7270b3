//! Removing runs that ended long ago: checked first, decided from the log, done by the store.

use super::Wire;
use super::store::OpenStore;
use crate::cli::Failure;
use crate::cli::Pruned;
use crate::cli::Trial;
use crate::domain::Actor;
use crate::domain::Timestamp;
use crate::ports::Clock;
use crate::ports::Log;
use crate::ports::LogError;
use crate::ports::LogErrorKind;
use crate::ports::SystemClock;
use crate::runtime::PrunePlan;
use crate::runtime::plan_prune;
use crate::store::OutputsPruned;
use crate::store::PruneReport;
use crate::store::Pruning;

/// How often to decide again because somebody appended meanwhile.
const TRIES: usize = 10;

pub(super) async fn prune(wire: &Wire, ended_before: Timestamp, trial: Trial) -> Result<Pruned, Failure> {
    let store = match trial {
        Trial::Yes => wire.store_to_read().await?,
        Trial::No => wire.store_to_write().await?,
    };
    let pruned = prune_store(&store, &wire.person, ended_before, trial).await;
    let closed = store.close().await;
    let pruned = pruned?;
    closed?;
    Ok(pruned)
}

/// The same on a store that is open, in somebody's name.
pub(super) async fn prune_store(
    store: &OpenStore,
    by: &Actor,
    ended_before: Timestamp,
    trial: Trial,
) -> Result<Pruned, Failure> {
    let log = store.shared();
    check(log.as_ref(), store).await?;
    let mut tries = 0;
    loop {
        let plan = plan_prune(log.as_ref(), ended_before).await?;
        let mut pruned = Pruned {
            store: store.place(),
            ended_before,
            runs: plan.runs.len() as u64,
            events: plan.events,
            outputs: plan.outputs.len() as u64,
            outputs_left: false,
            trial: trial == Trial::Yes,
        };
        if trial == Trial::Yes || plan.runs.is_empty() {
            return Ok(pruned);
        }
        match perform(store, by, ended_before, plan).await {
            Ok(report) => {
                pruned.events = report.events;
                (pruned.outputs, pruned.outputs_left) = match report.outputs {
                    OutputsPruned::Removed(count) => (count, false),
                    OutputsPruned::LeftForTheNextTime => (0, true),
                };
                return Ok(pruned);
            }
            Err(error) if error.kind == LogErrorKind::Conflict && tries < TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// What was changed must not be made to look as if it had been pruned.
async fn check(log: &dyn Log, store: &OpenStore) -> Result<(), Failure> {
    let report = log.verify(&[]).await?;
    if report.problems.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "the log is not what was written, so nothing was pruned:\n{}",
        report.problems.join("\n")
    ))
    .at(store.place())
    .next("keep the store as it is; compare it with a backup, and find out who else can write to it"))
}

async fn perform(
    store: &OpenStore,
    by: &Actor,
    ended_before: Timestamp,
    plan: PrunePlan,
) -> Result<PruneReport, LogError> {
    let pruning = Pruning {
        after: plan.after,
        ended_before,
        streams: plan.streams.into_iter().collect(),
        outputs: plan.outputs,
        spent: plan.spent,
        at: SystemClock.now(),
        by: by.clone(),
    };
    store.prune(pruning).await
}
