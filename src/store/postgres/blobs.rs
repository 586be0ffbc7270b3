//! Bytes under their SHA-256, checked when read.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::ask::How;
use super::keys;
use super::keys::Keys;
use super::store::Store;
use crate::domain::BlobId;
use crate::kinds::Stream;
use crate::ports::{LogError, StoredOutput};
use crate::store::refusal;
use crate::store::seal::{Seal, StoredBlob};

pub(super) async fn put(store: &Store, owner: Option<Stream>, content: &[u8]) -> Result<BlobId, LogError> {
    store.check_writable()?;
    let id = BlobId::of(content);
    let stored = store.seal.blob(&mut Keys(store), &id, owner, content).await?;
    let question = || {
        sqlx::query("INSERT INTO morningai.blob (tenant, hash, content) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(store.tenant.0.clone())
            .bind(stored.hash.clone())
            .bind(stored.content.clone())
    };
    store.ask(How::Writing, "save an output in", question).await?;
    Ok(id)
}

pub(super) async fn get(store: &Store, id: &BlobId) -> Result<Option<Vec<u8>>, LogError> {
    let Some(hashes) = store.seal.blob_hashes(id) else { return Ok(None) };
    let stored = find(store, hashes).await?;
    keys::learn(store, store.seal.subjects_of_blobs(&stored)).await?;
    store.seal.open_blob(id, stored).map_err(|what| refusal::damaged_output(id, &store.place, what))
}

/// None in an encrypted log, where an output is found by a name that does not tell its own.
pub(super) async fn ids(store: &Store, after: Option<&BlobId>, limit: u32) -> Result<Vec<BlobId>, LogError> {
    if let Seal::Sealed(_) = &store.seal {
        return Ok(Vec::new());
    }
    const IDS: &str = "SELECT encode(hash, 'hex') FROM morningai.blob
         WHERE tenant = $1 AND hash > decode($2, 'hex') ORDER BY hash LIMIT $3";
    let after = after.map(|id| id.0.clone()).filter(|id| hex::decode(id).is_ok()).unwrap_or_default();
    let question = || sqlx::query(IDS).bind(store.tenant.0.clone()).bind(after.clone()).bind(i64::from(limit));
    let doing = "list outputs in";
    let rows = store.ask(How::ReadingMuch, doing, question).await?;
    let ids = rows.iter().map(|row| row.try_get(0).map(BlobId)).collect::<Result<_, _>>();
    ids.map_err(|error| store.explain(doing, &error))
}

pub(super) async fn stored(
    store: &Store,
    after: Option<&StoredOutput>,
    limit: u32,
) -> Result<Vec<StoredOutput>, LogError> {
    let after = after.map(|output| output.0.clone()).unwrap_or_default();
    let question = || {
        sqlx::query("SELECT hash FROM morningai.blob WHERE tenant = $1 AND hash > $2 ORDER BY hash LIMIT $3")
            .bind(store.tenant.0.clone())
            .bind(after.clone())
            .bind(i64::from(limit))
    };
    let doing = "list outputs in";
    let rows = store.ask(How::ReadingMuch, doing, question).await?;
    let stored = rows.iter().map(|row| row.try_get(0).map(StoredOutput)).collect::<Result<_, _>>();
    stored.map_err(|error| store.explain(doing, &error))
}

/// All from the first of these hashes to the last.
async fn find(store: &Store, (first, last): (Vec<u8>, Vec<u8>)) -> Result<Vec<StoredBlob>, LogError> {
    let question = || {
        sqlx::query(
            "SELECT hash, content FROM morningai.blob WHERE tenant = $1 AND hash >= $2 AND hash <= $3 ORDER BY hash",
        )
        .bind(store.tenant.0.clone())
        .bind(first.clone())
        .bind(last.clone())
    };
    let doing = "read an output from";
    let rows = store.ask(How::ReadingMuch, doing, question).await?;
    let read = |row: &PgRow| Ok(StoredBlob { hash: row.try_get(0)?, content: row.try_get(1)? });
    rows.iter().map(read).collect::<Result<_, _>>().map_err(|error| store.explain(doing, &error))
}
