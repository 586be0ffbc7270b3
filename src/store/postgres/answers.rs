//! Requests that were carried out: remembered for a while with the events that came of them.

use sqlx::Row as _;

use super::ask::How;
use super::error::unreadable_row;
use super::store::Store;
use crate::domain::{IdempotencyKey, Timestamp};
use crate::ports::{Answered, LogError};
use crate::store::stored::AnswerColumns;

pub(super) async fn find(store: &Store, key: &IdempotencyKey) -> Result<Option<Answered>, LogError> {
    let question = || {
        sqlx::query("SELECT asked, first, events, at FROM morningai.answer WHERE tenant = $1 AND key = $2")
            .bind(store.tenant.0.clone())
            .bind(key.key.to_vec())
    };
    let found = store.ask(How::Reading, "read", question).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let column = |error: sqlx::Error| error.to_string();
    let read = || -> Result<Answered, String> {
        let columns = AnswerColumns {
            asked: row.try_get(0).map_err(column)?,
            first: row.try_get(1).map_err(column)?,
            events: row.try_get(2).map_err(column)?,
            at: row.try_get(3).map_err(column)?,
        };
        columns.decode(key)
    };
    read().map(Some).map_err(|why| unreadable_row(&store.place, "an answer", &why))
}

pub(super) async fn forget(store: &Store, before: Timestamp) -> Result<(), LogError> {
    let question = || {
        sqlx::query("DELETE FROM morningai.answer WHERE tenant = $1 AND at < $2")
            .bind(store.tenant.0.clone())
            .bind(before.timestamp_micros())
    };
    store.ask(How::Writing, "tidy", question).await.map(drop)
}
