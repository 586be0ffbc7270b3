//! Projection rows: found by kind, state and time; replaced as a whole for a rebuild.

use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::ToSql;
use rusqlite::Transaction;
use rusqlite::TransactionBehavior;
use rusqlite::params;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::Store;
use super::error::explain_refusal;
use super::error::unreadable_row;
use crate::domain::Page;
use crate::domain::Tenant;
use crate::domain::Timestamp;
use crate::fold::Row;
use crate::fold::RowKey;
use crate::fold::RowKind;
use crate::ports::LogError;
use crate::ports::RowFilter;

const PUT_ROW: &str = "
    INSERT INTO projection (tenant, kind, id, is_open, sort, body) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant, kind, id)
    DO UPDATE SET is_open = excluded.is_open, sort = excluded.sort, body = excluded.body";

/// Starts every search for rows; ids come back as hex where they are bytes.
macro_rules! find_rows {
    ($rest:literal) => {
        concat!(
            "SELECT iif(typeof(id) = 'blob', lower(hex(id)), id), is_open, sort, body FROM projection
             WHERE tenant = $1 AND kind = $2 AND ",
            $rest
        )
    };
}

/// Writes a row over the one that was there. Ids that are UUIDs are stored as their bytes.
pub(super) fn put_row(transaction: &Transaction<'_>, tenant: &Tenant, row: &Row) -> rusqlite::Result<()> {
    let uuid = Uuid::try_parse(&row.key.id).ok();
    let id: &dyn ToSql = match &uuid {
        Some(uuid) => uuid.as_bytes(),
        None => &row.key.id,
    };
    let (kind, sort) = (row.key.kind.name(), row.sort.timestamp_micros());
    transaction.prepare_cached(PUT_ROW)?.execute(params![tenant.0, kind, id, row.is_open, sort, row.body])?;
    Ok(())
}

pub(super) async fn find(store: &Store, filter: RowFilter) -> Result<Page<Row>, LogError> {
    let (kind, limit, query) = match filter {
        RowFilter::Open(kind) => {
            let sql = find_rows!("is_open = 1 ORDER BY sort DESC, id DESC");
            (kind, u32::MAX, sqlx::query(sql).bind(store.tenant.0.clone()).bind(kind.name()))
        }
        RowFilter::Recent { kind, offset, limit } => {
            let sql = find_rows!("true ORDER BY sort DESC, id DESC LIMIT $3 OFFSET $4");
            (kind, limit, paged(store, sql, kind, offset, limit))
        }
        RowFilter::Closed { kind, offset, limit } => {
            let sql = find_rows!("is_open = 0 ORDER BY sort DESC, id DESC LIMIT $3 OFFSET $4");
            (kind, limit, paged(store, sql, kind, offset, limit))
        }
        RowFilter::One { kind, id } => {
            let sql = find_rows!("id = $3");
            let query = sqlx::query(sql).bind(store.tenant.0.clone()).bind(kind.name());
            (kind, 1, query.bind(id.as_bytes().to_vec()))
        }
    };
    let mut found = query.fetch_all(&store.readers).await.map_err(|error| store.explain("read rows of", &error))?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let rows = found.iter().map(|row| decode(store, kind, row)).collect::<Result<_, _>>()?;
    Ok(Page { rows, more })
}

type Query = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// Asks for one row more than wanted, to know whether there are more.
fn paged(store: &Store, sql: &'static str, kind: RowKind, offset: u32, limit: u32) -> Query {
    sqlx::query(sql).bind(store.tenant.0.clone()).bind(kind.name()).bind(i64::from(limit) + 1).bind(i64::from(offset))
}

fn decode(store: &Store, kind: RowKind, row: &SqliteRow) -> Result<Row, LogError> {
    let read = || -> Result<Row, sqlx::Error> {
        let id: String = row.try_get(0)?;
        let id = match kind {
            RowKind::Run | RowKind::Approval => Uuid::try_parse(&id).map_or(id, |id| id.to_string()),
            RowKind::Spend => id,
        };
        let sort = Timestamp::from_timestamp_micros(row.try_get(2)?)
            .ok_or_else(|| sqlx::Error::Decode("a time out of range".into()))?;
        let is_open: i64 = row.try_get(1)?;
        Ok(Row { key: RowKey { kind, id }, is_open: is_open != 0, sort, body: row.try_get(3)? })
    };
    read().map_err(|error| unreadable_row(&store.path, &format!("a row of kind {}", kind.name()), &error.to_string()))
}

pub(super) async fn replace(store: &Arc<Store>, rows: Vec<Row>) -> Result<(), LogError> {
    let writer = store.writer().await?;
    let tenant = store.tenant.clone();
    let replaced = writer.appender.perform(move |connection| replace_all(connection, &tenant, &rows)).await?;
    replaced.map_err(|error| explain_refusal(&store.path, "rebuild the rows of", &error))
}

fn replace_all(connection: &mut Connection, tenant: &Tenant, rows: &[Row]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("DELETE FROM projection WHERE tenant = $1", [&tenant.0])?;
    for row in rows {
        put_row(&transaction, tenant, row)?;
    }
    transaction.commit()
}
