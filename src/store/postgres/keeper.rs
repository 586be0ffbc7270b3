//! Keeps the latest head in a file of the data directory and in a row of the database, a second after it moved and at
//! the end. The file is what shows a log that was cut by somebody who can write to the database.
//!
//! A head saved earlier is replaced only if it still lies on the chain. One that does not is evidence that the log
//! was cut or rewritten: it stays, until somebody who knows why removes it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::Row as _;

use super::ask::How;
use super::store::Store;
use crate::ports::{Head, LogError, LogErrorKind};
use crate::store::heads::SavedHead;
use crate::store::stored::to_sql;
use crate::store::{OpenMode, heads};

/// How long a head may go unsaved. Also keeps this out of the way of the commits that follow the first.
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
            tracing::warn!(%error, hint = error.hint, "the head of the log is not saved");
        }
    });
}

/// Saves the head now, unless it is saved already, there is none, or the store was opened for reading.
pub(super) async fn save_now(store: &Store) -> Result<(), LogError> {
    if store.mode == OpenMode::ReadOnly || store.readers.is_closed() {
        return Ok(());
    }
    let saved = heads::load_all(&store.keeper.file)?;
    let head = Head::from(store.read_end().await?);
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
    write_row(store, &ours.head).await?;
    let kept = heads::replaced(saved, ours, &off_chain);
    let file = store.keeper.file.clone();
    let written = tokio::task::spawn_blocking(move || heads::save(&file, &kept)).await;
    written.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped))).map_err(|error| {
        LogError::new(
            LogErrorKind::NotSaved,
            format!("cannot save the head in {}: {error}", store.keeper.file.display()),
            "make room in the data directory, and see that you may write there",
        )
    })
}

/// Never backward: another process may have been faster.
pub(super) async fn write_row(store: &Store, head: &Head) -> Result<(), LogError> {
    let question = || {
        sqlx::query(
            "INSERT INTO morningai.head AS known (tenant, seq, hash) VALUES ($1, $2, decode($3, 'hex'))
             ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, hash = excluded.hash
             WHERE known.seq < excluded.seq",
        )
        .bind(store.tenant.0.clone())
        .bind(to_sql(head.seq))
        .bind(head.hash.clone())
    };
    store.ask(How::Writing, "save the head in", question).await.map(drop)
}

/// What the row at a place names as the one before it, also where it was pruned.
const PREV: &str = "SELECT encode(prev, 'hex') FROM morningai.event WHERE tenant = $1 AND seq = $2
     UNION ALL SELECT encode(prev, 'hex') FROM morningai.pruned WHERE tenant = $1 AND seq = $2";

/// Whether the row at `old` still carries its hash: one row read, whatever the length of the log.
async fn is_on_chain(store: &Store, old: &Head, now: &Head) -> Result<bool, LogError> {
    if old.seq >= now.seq {
        return Ok(old == now);
    }
    let question = || sqlx::query(PREV).bind(store.tenant.0.clone()).bind(to_sql(old.seq + 1));
    let rows = store.ask(How::Reading, "read", question).await?;
    let prev: Option<String> = rows.first().and_then(|row| row.try_get(0).ok());
    Ok(prev.as_ref() == Some(&old.hash))
}
