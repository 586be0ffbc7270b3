//! Bytes under their SHA-256, checked when read.

use sqlx::Row as _;

use super::How;
use super::Store;
use crate::domain::BlobId;
use crate::ports::LogError;
use crate::ports::LogErrorKind;

pub(super) async fn put(store: &Store, content: &[u8]) -> Result<BlobId, LogError> {
    store.check_writable()?;
    let id = BlobId::of(content);
    let question = || {
        sqlx::query(
            "INSERT INTO morningai.blob (tenant, hash, content) VALUES ($1, decode($2, 'hex'), $3)
             ON CONFLICT DO NOTHING",
        )
        .bind(store.tenant.0.clone())
        .bind(id.0.clone())
        .bind(content.to_vec())
    };
    store.ask(How::Writing, "save an output in", question).await?;
    Ok(id)
}

pub(super) async fn get(store: &Store, id: &BlobId) -> Result<Option<Vec<u8>>, LogError> {
    // What is no hex is the name of nothing.
    let Ok(hash) = hex::decode(&id.0) else { return Ok(None) };
    let question = || {
        sqlx::query("SELECT content FROM morningai.blob WHERE tenant = $1 AND hash = $2")
            .bind(store.tenant.0.clone())
            .bind(hash.clone())
    };
    let doing = "read an output from";
    let rows = store.ask(How::Reading, doing, question).await?;
    let content = rows.first().map(|row| row.try_get::<Vec<u8>, _>(0)).transpose();
    match content.map_err(|error| store.explain(doing, &error))? {
        Some(content) if BlobId::of(&content) != *id => Err(LogError::new(
            LogErrorKind::Unsound,
            format!("output {} in {} is not what was stored: its SHA-256 differs", id.0, store.place),
            "somebody changed it, or the disk failed; take it from a backup",
        )),
        found => Ok(found),
    }
}

pub(super) async fn ids(store: &Store, after: Option<&BlobId>, limit: u32) -> Result<Vec<BlobId>, LogError> {
    const IDS: &str = "SELECT encode(hash, 'hex') FROM morningai.blob
         WHERE tenant = $1 AND hash > decode($2, 'hex') ORDER BY hash LIMIT $3";
    let after = after.map(|id| id.0.clone()).filter(|id| hex::decode(id).is_ok()).unwrap_or_default();
    let question = || sqlx::query(IDS).bind(store.tenant.0.clone()).bind(after.clone()).bind(i64::from(limit));
    let doing = "list outputs in";
    let rows = store.ask(How::Reading, doing, question).await?;
    let ids = rows.iter().map(|row| row.try_get(0).map(BlobId)).collect::<Result<_, _>>();
    ids.map_err(|error| store.explain(doing, &error))
}
