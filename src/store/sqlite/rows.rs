//! Projection rows: found by kind, state and time; replaced as a whole for a rebuild.

use sqlx::Connection;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::Store;
use super::error::unreadable_row;
use super::keys;
use super::keys::Keys;
use super::read_place;
use crate::domain::Page;
use crate::domain::Timestamp;
use crate::fold::Row;
use crate::fold::RowKey;
use crate::fold::RowKind;
use crate::ports::LogError;
use crate::ports::RowFilter;
use crate::store::seal::Sealing;

/// Rows written in one statement of a rebuild; bounds what is held twice.
const CHUNK: usize = 256;

/// Writes the rows listed in the first parameter, with their bodies in the second; $1 is the tenant.
macro_rules! put_rows {
    ($list:literal, $bodies:literal) => {
        concat!(
            "INSERT INTO projection (tenant, kind, id, is_open, sort, body)
             SELECT $1, new.value ->> 0, coalesce(unhex(new.value ->> 1), new.value ->> 2), new.value ->> 3,
                 new.value ->> 4, CAST(substr(",
            $bodies,
            ", new.value ->> 5, new.value ->> 6) AS TEXT)
             FROM json_each(",
            $list,
            ") AS new WHERE true
             ON CONFLICT (tenant, kind, id)
             DO UPDATE SET is_open = excluded.is_open, sort = excluded.sort, body = excluded.body"
        )
    };
}
pub(super) use put_rows;

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

/// Rows on their way into SQLite: a JSON list of small values, and all bodies in one byte string.
#[derive(Debug, Default)]
pub(super) struct Packed {
    list: String,
    bodies: Vec<u8>,
}

impl Packed {
    /// Adds a body; `values` gets its first byte, counted from 1, and its length, and returns what to list with it.
    pub fn push<T: serde::Serialize>(&mut self, body: &str, values: impl FnOnce(usize, usize) -> T) {
        let values = values(self.bodies.len() + 1, body.len());
        self.list.push(if self.list.is_empty() { '[' } else { ',' });
        // Tuples of texts and numbers always serialize; should that change, SQLite refuses the broken list.
        self.list.push_str(&serde_json::to_string(&values).unwrap_or_default());
        self.bodies.extend_from_slice(body.as_bytes());
    }

    /// The list as JSON, and the bodies.
    pub fn into_parts(mut self) -> (String, Vec<u8>) {
        self.list.push_str(if self.list.is_empty() { "[]" } else { "]" });
        (self.list, self.bodies)
    }
}

pub(super) fn pack_rows(sealing: &Sealing, rows: &[Row]) -> Result<Packed, LogError> {
    let mut packed = Packed::default();
    for row in rows {
        let uuid = Uuid::try_parse(&row.key.id).ok().map(Uuid::simple);
        let text = uuid.is_none().then_some(&row.key.id);
        let (kind, sort) = (row.key.kind.name(), row.sort.timestamp_micros());
        packed.push(&sealing.row(row)?, |from, length| (kind, uuid, text, u8::from(row.is_open), sort, from, length));
    }
    Ok(packed)
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
        let id = match kind {
            RowKind::Run | RowKind::Approval => Uuid::try_parse(&id).map_or(id, |id| id.to_string()),
            RowKind::Spend => id,
        };
        let key = RowKey { kind, id };
        let sort = row.try_get(2).map_err(column)?;
        let sort = Timestamp::from_timestamp_micros(sort).ok_or("a time out of range")?;
        let is_open: i64 = row.try_get(1).map_err(column)?;
        let body = store.seal.row(&key, row.try_get(3).map_err(column)?)?;
        Ok(body.map(|body| Row { key, is_open: is_open != 0, sort, body }))
    };
    read().map_err(|why| unreadable_row(&store.path, &format!("a row of kind {}", kind.name()), &why))
}

pub(super) async fn replace(store: &Store, rows: Vec<Row>) -> Result<(), LogError> {
    let failed = |error| store.explain("rebuild the rows of", &error);
    let mut writer = store.writer().await?;
    let start = read_place(&mut writer.connection, &store.tenant).await.map_err(failed)?;
    // Before the transaction: a key that is remembered must be there, whatever becomes of the rows.
    let sealing = store.seal.prepare(&mut Keys::of(store, &mut writer.connection), start, (&[], &rows)).await?;
    let mut transaction = writer.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    sqlx::query("DELETE FROM projection WHERE tenant = $1")
        .bind(store.tenant.0.clone())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    for chunk in rows.chunks(CHUNK) {
        let (list, bodies) = pack_rows(&sealing, chunk)?.into_parts();
        sqlx::query(put_rows!("$2", "$3"))
            .bind(store.tenant.0.clone())
            .bind(list)
            .bind(bodies)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}
