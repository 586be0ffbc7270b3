//! Bytes under their SHA-256, checked when read.

use super::Store;
use crate::domain::BlobId;
use crate::ports::LogError;
use crate::ports::LogErrorKind;

pub(super) async fn put(store: &Store, content: &[u8]) -> Result<BlobId, LogError> {
    let id = BlobId::of(content);
    let mut writer = store.writer().await?;
    sqlx::query("INSERT INTO blob (tenant, hash, content) VALUES ($1, unhex($2), $3) ON CONFLICT DO NOTHING")
        .bind(store.tenant.0.clone())
        .bind(id.0.clone())
        .bind(content.to_vec())
        .execute(&mut writer.connection)
        .await
        .map_err(|error| store.explain("save an output in", &error))?;
    Ok(id)
}

pub(super) async fn get(store: &Store, id: &BlobId) -> Result<Option<Vec<u8>>, LogError> {
    // What is no hex has no bytes, and NULL finds nothing.
    let found: Option<Vec<u8>> = sqlx::query_scalar("SELECT content FROM blob WHERE tenant = $1 AND hash = unhex($2)")
        .bind(store.tenant.0.clone())
        .bind(id.0.clone())
        .fetch_optional(&store.readers)
        .await
        .map_err(|error| store.explain("read an output from", &error))?;
    match found {
        Some(content) if BlobId::of(&content) != *id => Err(LogError::new(
            LogErrorKind::Unsound,
            format!("output {} in {} is not what was stored: its SHA-256 differs", id.0, store.path.display()),
            "somebody changed it, or the disk failed; take it from a backup",
        )),
        found => Ok(found),
    }
}

pub(super) async fn ids(store: &Store, after: Option<&BlobId>, limit: u32) -> Result<Vec<BlobId>, LogError> {
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
