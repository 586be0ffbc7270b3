//! Bytes under their SHA-256, checked when read.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::keys;
use super::keys::Keys;
use super::store::Store;
use crate::domain::BlobId;
use crate::kinds::Stream;
use crate::ports::{LogError, StoredOutput};
use crate::store::refusal;
use crate::store::seal::{Seal, StoredBlob};

pub(super) async fn put(store: &Store, owner: Option<Stream>, content: &[u8]) -> Result<BlobId, LogError> {
    let id = BlobId::of(content);
    let mut writer = store.writer().await?;
    let stored = store.seal.blob(&mut Keys::of(store, &mut writer.connection), &id, owner, content).await?;
    sqlx::query("INSERT INTO blob (tenant, hash, content) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(store.tenant.0.clone())
        .bind(stored.hash)
        .bind(stored.content)
        .execute(&mut writer.connection)
        .await
        .map_err(|error| store.explain("save an output in", &error))?;
    Ok(id)
}

pub(super) async fn get(store: &Store, id: &BlobId) -> Result<Option<Vec<u8>>, LogError> {
    let Some(hashes) = store.seal.blob_hashes(id) else { return Ok(None) };
    let stored = find(store, hashes).await?;
    keys::learn(store, store.seal.subjects_of_blobs(&stored)).await?;
    store
        .seal
        .open_blob(id, stored)
        .map_err(|what| refusal::damaged_output(id, &store.path.display().to_string(), what))
}

/// None in an encrypted log, where an output is found by a name that does not tell its own.
pub(super) async fn ids(store: &Store, after: Option<&BlobId>, limit: u32) -> Result<Vec<BlobId>, LogError> {
    if let Seal::Sealed(_) = &store.seal {
        return Ok(Vec::new());
    }
    const IDS: &str = "SELECT lower(hex(hash)) FROM blob WHERE tenant = $1 AND hash > coalesce(unhex($2), x'') ORDER BY hash LIMIT $3";
    let ids: Vec<String> = sqlx::query_scalar(IDS)
        .bind(store.tenant.0.clone())
        .bind(after.map(|id| id.0.clone()))
        .bind(i64::from(limit))
        .fetch_all(&store.readers)
        .await
        .map_err(|error| store.explain("list outputs in", &error))?;
    Ok(ids.into_iter().map(BlobId).collect())
}

pub(super) async fn stored(
    store: &Store,
    after: Option<&StoredOutput>,
    limit: u32,
) -> Result<Vec<StoredOutput>, LogError> {
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT hash FROM blob WHERE tenant = $1 AND hash > $2 ORDER BY hash LIMIT $3")
            .bind(store.tenant.0.clone())
            .bind(after.map(|output| output.0.clone()).unwrap_or_default())
            .bind(i64::from(limit))
            .fetch_all(&store.readers)
            .await
            .map_err(|error| store.explain("list outputs in", &error))?;
    Ok(stored.into_iter().map(StoredOutput).collect())
}

/// All from the first of these hashes to the last.
async fn find(store: &Store, (first, last): (Vec<u8>, Vec<u8>)) -> Result<Vec<StoredBlob>, LogError> {
    let failed = |error| store.explain("read an output from", &error);
    let rows = sqlx::query("SELECT hash, content FROM blob WHERE tenant = $1 AND hash >= $2 AND hash <= $3")
        .bind(store.tenant.0.clone())
        .bind(first)
        .bind(last)
        .fetch_all(&store.readers)
        .await
        .map_err(failed)?;
    let read = |row: &SqliteRow| Ok(StoredBlob { hash: row.try_get(0)?, content: row.try_get(1)? });
    rows.iter().map(read).collect::<Result<_, _>>().map_err(failed)
}
