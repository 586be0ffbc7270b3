//! Leases: who may work on a run, and the token that tells a later holder from an earlier one.
//!
//! A lease need not outlive the computer, so taking one waits for no disk: whoever held it ended with the machine.
//! A crash of the program keeps it. An append asks for its own durability again.

use super::Store;
use super::from_sql;
use super::to_sql;
use crate::domain::RunId;
use crate::domain::Timestamp;
use crate::ports::Lease;
use crate::ports::LogError;

/// $1 tenant · $2 run · $3 owner · $4 until · $5 now. A free or expired lease goes to whoever asks, with a new token;
/// a holder who asks again keeps its own.
const CLAIM: &str = "
    PRAGMA synchronous = NORMAL;
    INSERT INTO lease (tenant, run, owner, token, until) VALUES ($1, $2, $3, 1, $4)
    ON CONFLICT (tenant, run) DO UPDATE
    SET token = token + (owner <> excluded.owner), owner = excluded.owner, until = excluded.until
    WHERE owner = excluded.owner OR owner = '' OR until <= $5
    RETURNING token";

const RELEASE: &str = "
    PRAGMA synchronous = NORMAL;
    UPDATE lease SET owner = '', until = 0 WHERE tenant = $1 AND run = $2 AND owner = $3 AND token = $4";

pub(super) async fn claim(
    store: &Store,
    run: RunId,
    owner: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Lease>, LogError> {
    let mut writer = store.writer().await?;
    // All rows, not the first: only a statement that has run to its end reports that its commit failed.
    let tokens: Vec<i64> = sqlx::query_scalar(CLAIM)
        .bind(store.tenant.0.clone())
        .bind(run.0.as_bytes().to_vec())
        .bind(owner.to_owned())
        .bind(until.timestamp_micros())
        .bind(now.timestamp_micros())
        .fetch_all(&mut writer.connection)
        .await
        .map_err(|error| store.explain("claim a run in", &error))?;
    let lease = |token: &i64| Lease { run, owner: owner.to_owned(), token: from_sql(*token), until };
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
