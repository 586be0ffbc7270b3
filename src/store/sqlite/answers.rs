//! Requests that were carried out: remembered for a while with the events that came of them.

use rusqlite::{Transaction, params};
use sqlx::Row as _;

use super::error::unreadable_row;
use super::refused::Refused;
use super::store::Store;
use crate::domain::{IdempotencyKey, Tenant, Timestamp};
use crate::ports::{Answered, LogError};
use crate::store::stored::{AnswerColumns, to_sql};

/// Refused as a conflict where one was carried out before: whoever decided again finds it then.
pub(super) fn put(transaction: &Transaction<'_>, tenant: &Tenant, answers: &[Answered]) -> Result<(), Refused> {
    let mut put = transaction.prepare_cached(
        "INSERT INTO answer (tenant, key, asked, first, events, at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING",
    )?;
    for Answered { key, first, events, at } in answers {
        let values = params![tenant.0, key.key, key.asked, to_sql(*first), events, at.timestamp_micros()];
        if put.execute(values)? == 0 {
            return Err(Refused::Moved { from: first - 1, to: first - 1 });
        }
    }
    Ok(())
}

pub(super) async fn find(store: &Store, key: &IdempotencyKey) -> Result<Option<Answered>, LogError> {
    let found = sqlx::query("SELECT asked, first, events, at FROM answer WHERE tenant = $1 AND key = $2")
        .bind(store.tenant.0.clone())
        .bind(key.key.to_vec())
        .fetch_optional(&store.readers)
        .await
        .map_err(|error| store.explain("read", &error))?;
    let Some(row) = found else { return Ok(None) };
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
    read().map(Some).map_err(|why| unreadable_row(&store.path, "an answer", &why))
}

pub(super) async fn forget(store: &Store, before: Timestamp) -> Result<(), LogError> {
    let mut writer = store.writer().await?;
    let forget = sqlx::query("DELETE FROM answer WHERE tenant = $1 AND at < $2");
    let forget = forget.bind(store.tenant.0.clone()).bind(before.timestamp_micros());
    forget.execute(&mut writer.connection).await.map(drop).map_err(|error| store.explain("tidy", &error))
}
