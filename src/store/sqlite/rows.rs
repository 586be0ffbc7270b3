//! Projection rows: found by kind, state and time; replaced as a whole for a rebuild.

use std::sync::Arc;

use rusqlite::{Connection, ToSql, Transaction, TransactionBehavior, params};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use uuid::Uuid;

use super::end::{place, read_place};
use super::error::unreadable_row;
use super::keys;
use super::keys::Keys;
use super::refused::Refused;
use super::store::Store;
use crate::domain::{Tenant, Timestamp};
use crate::kinds::{Row, RowKey, RowKind};
use crate::ports::{LogError, Page, RowFilter};
use crate::store::seal::Sealing;

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
pub(super) fn put_row(
    transaction: &Transaction<'_>,
    tenant: &Tenant,
    sealing: &Sealing,
    row: &Row,
) -> Result<(), Refused> {
    let body = sealing.row(row).map_err(Refused::Unwritable)?;
    let uuid = Uuid::try_parse(&row.key.id).ok();
    let id: &dyn ToSql = match &uuid {
        Some(uuid) => uuid.as_bytes(),
        None => &row.key.id,
    };
    let (kind, sort) = (row.key.kind.name(), row.sort.timestamp_micros());
    transaction.prepare_cached(PUT_ROW)?.execute(params![tenant.0, kind, id, row.is_open, sort, body])?;
    Ok(())
}

/// The same within the transaction that is open on the other connection that writes.
pub(super) async fn put_row_within(
    store: &Store,
    connection: &mut SqliteConnection,
    sealing: &Sealing,
    row: &Row,
) -> Result<(), LogError> {
    let query = sqlx::query(PUT_ROW).bind(store.tenant.0.clone()).bind(row.key.kind.name());
    let query = match Uuid::try_parse(&row.key.id) {
        Ok(uuid) => query.bind(uuid.as_bytes().to_vec()),
        Err(_) => query.bind(row.key.id.clone()),
    };
    let query = query.bind(row.is_open).bind(row.sort.timestamp_micros()).bind(sealing.row(row)?.into_owned());
    query.execute(connection).await.map(|_| ()).map_err(|error| store.explain("change rows of", &error))
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
        RowFilter::Named { kind, id, limit } => {
            let sql = find_rows!(
                "typeof(id) = 'blob' AND (id BETWEEN $3 AND $4 OR substr(id, 13) = $5)
                 ORDER BY sort DESC, id DESC LIMIT $6"
            );
            let query = sqlx::query(sql).bind(store.tenant.0.clone()).bind(kind.name());
            let query = query.bind(id.first.as_bytes().to_vec()).bind(id.last.as_bytes().to_vec());
            (kind, limit, query.bind(id.tail.map(|tail| tail.to_vec())).bind(i64::from(limit) + 1))
        }
    };
    let mut found = query.fetch_all(&store.readers).await.map_err(|error| store.explain("read rows of", &error))?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let bodies = found.iter().filter_map(|row| row.try_get(3).ok());
    keys::learn(store, store.seal.unknown(bodies)).await?;
    let rows = found.iter().filter_map(|row| decode(store, kind, row).transpose()).collect::<Result<_, _>>()?;
    Ok(Page { rows, more })
}

type Query = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// Asks for one row more than wanted, to know whether there are more.
fn paged(store: &Store, sql: &'static str, kind: RowKind, offset: u32, limit: u32) -> Query {
    sqlx::query(sql).bind(store.tenant.0.clone()).bind(kind.name()).bind(i64::from(limit) + 1).bind(i64::from(offset))
}

/// `None` for a row of somebody who was erased.
pub(super) fn decode(store: &Store, kind: RowKind, row: &SqliteRow) -> Result<Option<Row>, LogError> {
    let column = |error: sqlx::Error| error.to_string();
    let read = || -> Result<Option<Row>, String> {
        let id: String = row.try_get(0).map_err(column)?;
        let id = Uuid::try_parse(&id).map_or(id, |id| id.to_string());
        let key = RowKey { kind, id };
        let sort = row.try_get(2).map_err(column)?;
        let sort = Timestamp::from_timestamp_micros(sort).ok_or("a time out of range")?;
        let is_open: i64 = row.try_get(1).map_err(column)?;
        let body = store.seal.row(&key, row.try_get(3).map_err(column)?)?;
        Ok(body.map(|body| Row { key, is_open: is_open != 0, sort, body }))
    };
    read().map_err(|why| unreadable_row(&store.path, &format!("a row of kind {}", kind.name()), &why))
}

pub(super) async fn replace(store: &Arc<Store>, after: u64, rows: &[Row]) -> Result<(), LogError> {
    let doing = "rebuild the rows of";
    let mut writer = store.writer().await?;
    let start = read_place(&mut writer.connection, &store.tenant).await;
    let start = start.map_err(|error| store.explain(doing, &error))?;
    let keys = &mut Keys::of(store, &mut writer.connection);
    let sealing = store.seal.prepare(keys, start, (&[], rows)).await?;
    let (tenant, rows) = (store.tenant.clone(), rows.to_vec());
    let replacing = move |connection: &mut Connection| replace_all(connection, &tenant, &sealing, after, &rows);
    let replaced = writer.appender.perform(replacing).await?;
    replaced.map_err(|refused| refused.explain(store, doing))
}

fn replace_all(
    connection: &mut Connection,
    tenant: &Tenant,
    sealing: &Sealing,
    after: u64,
    rows: &[Row],
) -> Result<(), Refused> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let end = place(&transaction, tenant)?;
    if end.seq != after {
        return Err(Refused::Moved { from: after, to: end.seq });
    }
    transaction.execute("DELETE FROM projection WHERE tenant = $1", [&tenant.0])?;
    for row in rows {
        put_row(&transaction, tenant, sealing, row)?;
    }
    Ok(transaction.commit()?)
}
