//! Leases: who may work on a run, and the token that tells a later holder from an earlier one.
//!
//! Each change of a lease is a new row, so that finding the present one takes one step however often it was renewed
//! while somebody held a snapshot open. Leases are measured by the server's clock, which all who share the log share.
//! Both calls may be repeated: whoever holds a lease and claims it again renews it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Row as _;
use tokio::sync::OwnedMutexGuard;

use super::ask::How;
use super::store::{Order, Store};
use crate::domain::RunId;
use crate::ports::{Lease, LogError, LogErrorKind};
use crate::store::stored::{from_sql, to_sql};

impl Order {
    async fn turn(&self, run: RunId) -> OwnedMutexGuard<()> {
        let last = usize::from(run.0.as_bytes()[15]);
        Arc::clone(&self.0[last % self.0.len()]).lock_owned().await
    }
}

/// Goes on to its end even when the caller stops waiting.
pub(super) async fn claim(
    store: &Arc<Store>,
    run: RunId,
    owner: &str,
    lasting: Duration,
) -> Result<Option<Lease>, LogError> {
    store.check_writable()?;
    let (store, owner) = (Arc::clone(store), owner.to_owned());
    let turn = store.lease_order.turn(run).await;
    let task = tokio::spawn(async move {
        let claimed = perform_claim(&store, run, owner, lasting).await;
        drop(turn);
        claimed
    });
    task.await.unwrap_or_else(|stopped| {
        Err(LogError::new(LogErrorKind::Busy, format!("the claim was cut short: {stopped}"), "claim it again"))
    })
}

async fn perform_claim(store: &Store, run: RunId, owner: String, lasting: Duration) -> Result<Option<Lease>, LogError> {
    let question = || {
        sqlx::query("SELECT morningai.claim($1, $2, $3, $4, $5)")
            .bind(store.tenant.0.clone())
            .bind(run.0.as_bytes().to_vec())
            .bind(owner.clone())
            .bind(micros(lasting))
            .bind(micros(Lease::LONGEST))
    };
    let doing = "claim a run in";
    let rows = store.ask(How::Calling, doing, question).await?;
    let token: Option<Option<i64>> =
        rows.first().map(|row| row.try_get(0)).transpose().map_err(|error| store.explain(doing, &error))?;
    Ok(token.flatten().map(|token| Lease { run, owner, token: from_sql(token) }))
}

pub(super) async fn release(store: &Store, lease: &Lease) -> Result<(), LogError> {
    store.check_writable()?;
    let question = || {
        sqlx::query("SELECT morningai.release($1, $2, $3, $4)")
            .bind(store.tenant.0.clone())
            .bind(lease.run.0.as_bytes().to_vec())
            .bind(lease.owner.clone())
            .bind(to_sql(lease.token))
    };
    let _turn = store.lease_order.turn(lease.run).await;
    store.ask(How::Calling, "release a run in", question).await?;
    Ok(())
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
