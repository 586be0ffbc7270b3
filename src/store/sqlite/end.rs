//! Where the log ends, and its streams.

use rusqlite::{OptionalExtension, Transaction};
use sqlx::SqliteConnection;

use super::store::Store;
use crate::domain::Tenant;
use crate::kinds::Stream;
use crate::ports::LogError;
use crate::store::chain::{Link, Place, stream_bytes};
use crate::store::stored::from_sql;

const FIND_HEAD: &str = "SELECT seq, hash FROM head WHERE tenant = $1";

pub(super) fn place(transaction: &Transaction<'_>, tenant: &Tenant) -> rusqlite::Result<Place> {
    let found = transaction.prepare_cached(FIND_HEAD)?.query_row([&tenant.0], |row| {
        let hash: Vec<u8> = row.get(1)?;
        let link = Link::from_bytes(&hash).ok_or_else(|| {
            let size = rusqlite::types::FromSqlError::InvalidBlobSize { expected_size: 32, blob_size: hash.len() };
            rusqlite::Error::from(size)
        })?;
        Ok(Place { seq: from_sql(row.get(0)?), link })
    });
    Ok(found.optional()?.unwrap_or_default())
}

impl Store {
    /// Where the log ends, also where another process wrote it.
    pub(super) async fn place(&self) -> Result<Place, LogError> {
        let failed = |error| self.explain("read the head of", &error);
        let mut reader = self.readers.acquire().await.map_err(failed)?;
        read_place(&mut reader, &self.tenant).await.map_err(failed)
    }
}

pub(super) async fn read_place(connection: &mut SqliteConnection, tenant: &Tenant) -> Result<Place, sqlx::Error> {
    let found: Option<(i64, Vec<u8>)> =
        sqlx::query_as(FIND_HEAD).bind(tenant.0.clone()).fetch_optional(connection).await?;
    let Some((seq, hash)) = found else { return Ok(Place::default()) };
    let link = Link::from_bytes(&hash).ok_or_else(|| sqlx::Error::Decode("head.hash is not 32 bytes".into()))?;
    Ok(Place { seq: from_sql(seq), link })
}

/// Where a stream ends; 0 for none.
pub(super) async fn last_version(
    store: &Store,
    connection: &mut SqliteConnection,
    stream: Stream,
) -> Result<u64, LogError> {
    let last: i64 = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM event WHERE tenant = $1 AND stream = $2")
        .bind(store.tenant.0.clone())
        .bind(stream_bytes(stream).to_vec())
        .fetch_one(connection)
        .await
        .map_err(|error| store.explain("read", &error))?;
    Ok(from_sql(last))
}
