//! Projection rows: found by kind, state and time; replaced as a whole for a rebuild.

use std::sync::Arc;

use rusqlite::{Connection, ToSql, Transaction, TransactionBehavior, params};
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection as _, Row as _, SqliteConnection};
use uuid::Uuid;

use super::end::{place, read_place};
use super::error::unreadable_row;
use super::keys;
use super::keys::Keys;
use super::refused::Refused;
use super::store::Store;
use crate::domain::Tenant;
use crate::kinds::{Row, RowKey};
use crate::ports::{LogError, Page, RowFilter, RowQuery};
use crate::store::chain::stream_bytes;
use crate::store::seal::Sealing;
use crate::store::stored::{RowIndex, beginning, page, row_kind};

const PUT_ROW: &str = "
    INSERT INTO projection (tenant, kind, id, is_open, sort, state, parent, due, body)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (tenant, kind, id)
    DO UPDATE SET is_open = excluded.is_open, sort = excluded.sort, state = excluded.state, parent = excluded.parent,
        due = excluded.due, body = excluded.body";

/// What `decode` reads; ids come back as hex where they are bytes.
macro_rules! select_rows {
    ($($rest:expr),+) => {
        concat!(
            "SELECT iif(typeof(id) = 'blob', lower(hex(id)), id), is_open, sort, body, state, parent, due, kind, rowid
             FROM projection WHERE tenant = $1 AND ",
            $($rest),+
        )
    };
}
pub(super) use select_rows;

/// A page of rows: one more than wanted tells whether there are more.
macro_rules! find_rows {
    ($which:literal) => {
        select_rows!("kind = $2 AND ", $which, " AND (sort, id) < ($3, $4) ORDER BY sort DESC, id DESC LIMIT $5")
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
    let (parent, due) = (row.parent.map(stream_bytes), row.due.map(|due| due.timestamp_micros()));
    let values = params![tenant.0, kind, id, row.is_open, sort, row.state, parent, due, body];
    transaction.prepare_cached(PUT_ROW)?.execute(values)?;
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
    let query = bind_id(query, &row.key.id).bind(row.is_open).bind(row.sort.timestamp_micros());
    let query = query.bind(row.state.clone()).bind(row.parent.map(|parent| stream_bytes(parent).to_vec()));
    let query = query.bind(row.due.map(|due| due.timestamp_micros())).bind(sealing.row(row)?.into_owned());
    query.execute(connection).await.map(|_| ()).map_err(|error| store.explain("change rows of", &error))
}

pub(super) async fn find(store: &Store, wanted: RowQuery) -> Result<Page<Row>, LogError> {
    let sql = match &wanted.filter {
        RowFilter::All => find_rows!("true"),
        RowFilter::Open => find_rows!("is_open = 1"),
        RowFilter::Ended => find_rows!("is_open = 0"),
        RowFilter::One(_) => find_rows!("id = $6"),
        RowFilter::Named(_) => find_rows!("typeof(id) = 'blob' AND (id BETWEEN $6 AND $7 OR substr(id, 13) = $8)"),
        RowFilter::InState(_) => find_rows!("state = $6"),
        RowFilter::PartOf(_) => find_rows!("parent = $6"),
        RowFilter::DueBefore(_) => find_rows!("due < $6"),
    };
    let (sort, id) = beginning(wanted.after.as_ref());
    let query = sqlx::query(sql).bind(store.tenant.0.clone()).bind(wanted.kind.name()).bind(sort);
    let query = bind_id(query, id).bind(i64::from(wanted.limit) + 1);
    let query = match wanted.filter {
        RowFilter::All | RowFilter::Open | RowFilter::Ended => query,
        RowFilter::One(id) => query.bind(id.as_bytes().to_vec()),
        RowFilter::Named(id) => query
            .bind(id.first.as_bytes().to_vec())
            .bind(id.last.as_bytes().to_vec())
            .bind(id.tail.map(|tail| tail.to_vec())),
        RowFilter::InState(state) => query.bind(state),
        RowFilter::PartOf(stream) => query.bind(stream_bytes(stream).to_vec()),
        RowFilter::DueBefore(time) => query.bind(time.timestamp_micros()),
    };
    let found = query.fetch_all(&store.readers).await.map_err(|error| store.explain("read rows of", &error))?;
    let found = page(found, wanted.limit);
    keys::learn(store, store.seal.unknown(bodies(&found.rows))).await?;
    let rows = found.rows.iter().filter_map(|row| decode(store, row).transpose()).collect::<Result<_, _>>()?;
    Ok(Page { rows, more: found.more })
}

type Query = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// Ids that are UUIDs are stored as their bytes.
fn bind_id(query: Query, id: &str) -> Query {
    match Uuid::try_parse(id) {
        Ok(uuid) => query.bind(uuid.as_bytes().to_vec()),
        Err(_) => query.bind(id.to_owned()),
    }
}

/// The stored JSON of rows, where it can be read.
pub(super) fn bodies(rows: &[SqliteRow]) -> impl Iterator<Item = &str> {
    rows.iter().filter_map(|row| row.try_get(3).ok())
}

/// `None` for a row of somebody who was erased.
pub(super) fn decode(store: &Store, row: &SqliteRow) -> Result<Option<Row>, LogError> {
    let column = |error: sqlx::Error| error.to_string();
    let read = || -> Result<Option<Row>, String> {
        let id: String = row.try_get(0).map_err(column)?;
        let id = Uuid::try_parse(&id).map_or(id, |id| id.to_string());
        let key = RowKey { kind: row_kind(row.try_get(7).map_err(column)?)?, id };
        let index = RowIndex {
            is_open: row.try_get::<i64, _>(1).map_err(column)? != 0,
            sort: row.try_get(2).map_err(column)?,
            state: row.try_get(4).map_err(column)?,
            parent: row.try_get(5).map_err(column)?,
            due: row.try_get(6).map_err(column)?,
        };
        let body = store.seal.row(&key, row.try_get(3).map_err(column)?)?;
        body.map(|body| index.row(key, body)).transpose()
    };
    let kind = row.try_get(7).unwrap_or("unknown");
    read().map_err(|why| unreadable_row(&store.path, &format!("a row of kind {kind}"), &why))
}

/// Fills in what rows that an earlier version wrote are found by, a piece at a time. A row that cannot be read says so
/// to the caller.
pub(super) async fn complete(store: &Store) -> Result<(), LogError> {
    const INCOMPLETE: &str = select_rows!("state IS NULL LIMIT 500");
    const COMPLETE: &str = "UPDATE projection SET state = $1, parent = $2, due = $3 WHERE rowid = $4 AND state IS NULL";
    let failed = |error| store.explain("migrate the rows of", &error);
    let mut writer = store.writer().await?;
    let connection = &mut writer.connection;
    loop {
        let found = sqlx::query(INCOMPLETE).bind(store.tenant.0.clone()).fetch_all(&mut *connection).await;
        let found = found.map_err(failed)?;
        if found.is_empty() {
            return Ok(());
        }
        let unknown = store.seal.unknown(bodies(&found));
        store.seal.learn(&mut Keys::of(store, connection), unknown).await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        for row in &found {
            let read = decode(store, row).ok().flatten();
            let (state, parent, due) = read.map(|row| (row.state, row.parent, row.due)).unwrap_or_default();
            let query = sqlx::query(COMPLETE).bind(state).bind(parent.map(|parent| stream_bytes(parent).to_vec()));
            let query =
                query.bind(due.map(|due| due.timestamp_micros())).bind(row.try_get::<i64, _>(8).map_err(failed)?);
            query.execute(&mut *transaction).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)?;
    }
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
