//! Keeps the latest head in the file beside the database, a second after it moved and at the end.
//!
//! A head saved earlier is replaced only if it still lies on the chain. One that does not is evidence that the log
//! was cut or rewritten: it stays, until somebody who knows why removes it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::error::explain_io;
use super::store::Store;
use crate::ports::{Head, LogError};
use crate::store::heads;
use crate::store::heads::SavedHead;
use crate::store::stored::to_sql;

/// How long a head may go unsaved. Also keeps its fsync out of the way of the commits that follow the first.
const DELAY: Duration = Duration::from_secs(1);

/// Sees to it that the head is saved within a second.
pub(super) fn head_moved(store: &Arc<Store>) {
    if store.keeper.scheduled.swap(true, Ordering::AcqRel) {
        return;
    }
    let store = Arc::downgrade(store);
    tokio::spawn(async move {
        tokio::time::sleep(DELAY).await;
        let Some(store) = store.upgrade() else { return };
        store.keeper.scheduled.store(false, Ordering::Release);
        if let Err(error) = save_now(&store).await {
            tracing::warn!(%error, hint = error.hint, "the head of the log is not saved beside it");
        }
    });
}

/// Saves the head now, unless it is saved already, there is none, or the store was opened for reading.
pub(super) async fn save_now(store: &Store) -> Result<(), LogError> {
    if store.writer.lock().await.is_none() {
        return Ok(());
    }
    let saved = heads::load_all(&store.keeper.file)?;
    let head = Head::from(store.place().await?);
    let ours = SavedHead { tenant: store.tenant.clone(), head };
    if ours.head.seq == 0 || saved.contains(&ours) {
        return Ok(());
    }
    let mut off_chain = Vec::new();
    for old in saved.iter().filter(|old| old.tenant == store.tenant) {
        if !is_on_chain(store, &old.head, &ours.head).await? {
            off_chain.push(old.head.clone());
        }
    }
    let kept = heads::replaced(saved, ours, &off_chain);
    let file = store.keeper.file.clone();
    let written = tokio::task::spawn_blocking(move || heads::save(&file, &kept)).await;
    written
        .unwrap_or_else(|stopped| Err(std::io::Error::other(stopped)))
        .map_err(|error| explain_io(&store.keeper.file, "save the head in", &error))
}

/// What the row at a place names as the one before it, also where it was pruned.
const PREV: &str = "SELECT lower(hex(prev)) FROM event WHERE tenant = $1 AND seq = $2
     UNION ALL SELECT lower(hex(prev)) FROM pruned WHERE tenant = $1 AND seq = $2";

/// Whether the row after `old` still carries its hash: one row read, whatever the length of the log.
async fn is_on_chain(store: &Store, old: &Head, now: &Head) -> Result<bool, LogError> {
    if old.seq >= now.seq {
        return Ok(old == now);
    }
    let found: Option<String> = sqlx::query_scalar(PREV)
        .bind(store.tenant.0.clone())
        .bind(to_sql(old.seq + 1))
        .fetch_optional(&store.readers)
        .await
        .map_err(|error| store.explain("read", &error))?;
    Ok(found.as_ref() == Some(&old.hash))
}
