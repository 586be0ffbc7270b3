//! Leases: who may work on a run, and the token that tells a later holder from an earlier one.
//!
//! A lease need not outlive the computer, so taking one waits for no disk: whoever held it ended with the machine.
//! A crash of the program keeps it. An append asks for its own durability again.
//!
//! All who share the file run on one computer, so leases are measured by its time since boot, which nobody sets.

use std::time::Duration;

use sqlx::SqliteConnection;

use super::store::Store;
use crate::domain::RunId;
use crate::ports::{Lease, LogError};
use crate::store::stored::{from_sql, to_sql};

/// $1 tenant · $2 run · $3 owner · $4 until · $5 now · $6 the latest that a lease of this boot can last. A free or
/// expired lease goes to whoever asks, with a new token; a holder who asks again keeps its own.
const CLAIM: &str = "
    PRAGMA synchronous = NORMAL;
    INSERT INTO lease (tenant, run, owner, token, until) VALUES ($1, $2, $3, 1, $4)
    ON CONFLICT (tenant, run) DO UPDATE
    SET token = token + (owner <> excluded.owner), owner = excluded.owner, until = excluded.until
    WHERE owner = excluded.owner OR owner = '' OR until NOT BETWEEN $5 + 1 AND $6
    RETURNING token";

const RELEASE: &str = "
    PRAGMA synchronous = NORMAL;
    UPDATE lease SET owner = '', until = 0 WHERE tenant = $1 AND run = $2 AND owner = $3 AND token = $4";

pub(super) async fn claim(
    store: &Store,
    run: RunId,
    owner: &str,
    lasting: Duration,
) -> Result<Option<Lease>, LogError> {
    let mut writer = store.writer().await?;
    let now = since_boot();
    let after = |duration: Duration| micros(now.saturating_add(duration));
    // All rows, not the first: only a statement that has run to its end reports that its commit failed.
    let tokens: Vec<i64> = sqlx::query_scalar(CLAIM)
        .bind(store.tenant.0.clone())
        .bind(run.0.as_bytes().to_vec())
        .bind(owner.to_owned())
        .bind(after(lasting.min(Lease::LONGEST)))
        .bind(micros(now))
        .bind(after(Lease::LONGEST))
        .fetch_all(&mut writer.connection)
        .await
        .map_err(|error| store.explain("claim a run in", &error))?;
    let lease = |token: &i64| Lease { run, owner: owner.to_owned(), token: from_sql(*token) };
    Ok(tokens.first().map(lease))
}

pub(super) async fn release(store: &Store, lease: &Lease) -> Result<(), LogError> {
    let mut writer = store.writer().await?;
    sqlx::query(RELEASE)
        .bind(store.tenant.0.clone())
        .bind(lease.run.0.as_bytes().to_vec())
        .bind(lease.owner.clone())
        .bind(to_sql(lease.token))
        .execute(&mut writer.connection)
        .await
        .map_err(|error| store.explain("release a run in", &error))?;
    Ok(())
}

/// Whether anybody may be working on a run just now. A lease that ran out counts while its run is open: whoever held it may
/// only be slow, and name an output yet.
pub(super) async fn is_any_held(store: &Store, connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let now = since_boot();
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM lease WHERE tenant = $1 AND owner <> '' AND (until BETWEEN $2 + 1 AND $3
             OR EXISTS (SELECT 1 FROM projection AS run
                 WHERE run.tenant = $1 AND run.kind = 'run' AND run.id = lease.run AND run.is_open)))",
    )
    .bind(store.tenant.0.clone())
    .bind(micros(now))
    .bind(micros(now.saturating_add(Lease::LONGEST)))
    .fetch_one(connection)
    .await
}

/// Runs on while the computer sleeps, so that nobody holds a run whose lease ran out meanwhile.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_boot() -> Duration {
    kernel_time(rustix::time::ClockId::Boottime)
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn since_boot() -> Duration {
    kernel_time(rustix::time::ClockId::Monotonic)
}

#[cfg(unix)]
fn kernel_time(clock: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    Duration::try_from(time).unwrap_or_default()
}

/// Elsewhere the wall clock has to do; a step of it ends leases early, and never late.
#[cfg(not(unix))]
fn since_boot() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
