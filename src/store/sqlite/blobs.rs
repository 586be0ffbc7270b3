//! Bytes under their SHA-256, checked when read.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::Store;
use super::keys;
use super::keys::Keys;
use crate::domain::BlobId;
use crate::domain::Stream;
use crate::ports::LogError;
use crate::ports::LogErrorKind;
use crate::store::seal::Seal;
use crate::store::seal::StoredBlob;
use crate::store::seal::subject_of_blob;

pub(super) async fn put(store: &Store, owner: Option<Stream>, content: &[u8]) -> Result<BlobId, LogError> {
    let id = BlobId::of(content);
    let mut writer = store.writer().await?;
    let stored = match &store.seal {
        Seal::Plain => StoredBlob { hash: hex::decode(&id.0).unwrap_or_default(), content: content.to_vec() },
        Seal::Sealed(vault) => {
            vault.seal_blob(&mut Keys::of(store, &mut writer.connection), &id, owner, content).await?
        }
    };
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
    let damaged = |what: &str| {
        LogError::new(
            LogErrorKind::Unsound,
            format!("output {} in {} {what}", id.0, store.path.display()),
            "somebody changed it, or the disk failed; take it from a backup",
        )
    };
    let Seal::Sealed(vault) = &store.seal else {
        // What is no hex is the name of nothing.
        let Ok(hash) = hex::decode(&id.0) else { return Ok(None) };
        let stored = find(store, (hash.clone(), hash)).await?;
        return match stored.into_iter().next().map(|blob| blob.content) {
            Some(content) if BlobId::of(&content) != *id => Err(damaged("is not what was stored: its SHA-256 differs")),
            found => Ok(found),
        };
    };
    let lookup = vault.blob_lookup(id);
    let last = [lookup.as_slice(), &[0xff; 16]].concat();
    let stored = find(store, (lookup, last)).await?;
    keys::learn(store, stored.iter().filter_map(|blob| subject_of_blob(&blob.hash)).collect()).await?;
    match vault.open_blob(id, &stored) {
        None if vault.is_any_left(&stored) => Err(damaged("does not open: it was changed")),
        found => Ok(found),
    }
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
