//! The Postgres side of a copy: reading one state of the database, and filling it in one transaction.
//!
//! Each has a connection of its own, whose transaction may last longer than others may.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres, Row as _, ValueRef as _};

use super::ask::{PIECE_ANSWER, answered};
use super::store::Store;
use super::transaction::{Kind as Transaction, PATIENCE, beginning};
use super::verify::{confirm, examine};
use super::{keeper, watch};
use crate::domain::Tenant;
use crate::ports::{Head, LogError, VerifyReport};
use crate::store::chain::{Chain, Columns, Link, stream_from_bytes};
use crate::store::copying::{Cell, EVENTS, Filling, Kind, Part, ROWS, Reading, Record, Start};
use crate::store::examiner::Examination;
use crate::store::heads;
use crate::store::stored::{from_sql, to_sql};

const TABLES: &str = "SELECT relname::text FROM pg_class WHERE relnamespace = 'morningai'::regnamespace";

/// The newest version of each row, which is the one that counts.
const NEWEST_ROWS: &str =
    "(SELECT DISTINCT ON (tenant, kind, id) tenant, kind, id, is_open, sort, state, parent, due, body
     FROM morningai.projection ORDER BY tenant, kind, id, version DESC) AS newest";

/// A transaction on a connection of its own; closing it without a commit undoes all of it.
pub(in crate::store) struct Portion {
    store: Arc<Store>,
    tables: BTreeSet<String>,
    kept: Vec<Head>,
    connection: PgConnection,
}

pub(super) async fn begin_reading(store: &Arc<Store>) -> Result<Portion, LogError> {
    begin(store, Transaction::Snapshot).await
}

pub(super) async fn begin_filling(store: &Arc<Store>) -> Result<Portion, LogError> {
    store.check_writable()?;
    begin(store, Transaction::Write).await
}

async fn begin(store: &Arc<Store>, kind: Transaction) -> Result<Portion, LogError> {
    let failed = |error| store.explain("copy", &error);
    let kept = heads::load(&store.heads, &store.tenant)?;
    let mut connection = store.readers.connector().connect().await?;
    let begin = format!("{}; {PATIENCE}", beginning(&store.tenant, kind));
    let begun = sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut connection);
    answered(PIECE_ANSWER, begun).await.map_err(failed)?;
    let tables = sqlx::query_scalar(TABLES).fetch_all(&mut connection);
    let tables: Vec<String> = answered(PIECE_ANSWER, tables).await.map_err(failed)?;
    Ok(Portion { store: store.clone(), tables: tables.into_iter().collect(), kept, connection })
}

#[async_trait]
impl Reading for Portion {
    fn place(&self) -> &str {
        &self.store.place
    }

    fn holds(&self, part: &Part) -> bool {
        self.tables.contains(part.table)
    }

    async fn piece(&mut self, part: &'static Part, after: Option<&Record>) -> Result<Vec<Record>, LogError> {
        let read = answered(PIECE_ANSWER, piece(&mut self.connection, &self.store.tenant, part, after)).await;
        read.map_err(|error| self.store.explain(&format!("copy {} from", part.name), &error))
    }

    async fn examine(&mut self, saved: &[Head]) -> Result<Examination, LogError> {
        let examined = examine(&mut self.connection, &self.store.tenant, saved, Ok(self.kept.clone())).await;
        examined.map_err(|error| self.store.explain("verify", &error))
    }

    async fn confirm(&self, examination: Examination) -> Result<VerifyReport, LogError> {
        confirm(&self.store, examination).await
    }
}

#[async_trait]
impl Filling for Portion {
    async fn put(&mut self, part: &'static Part, records: Vec<Record>) -> Result<(), LogError> {
        let hashes = (*part == EVENTS).then(|| hashes(&self.store.tenant, &records));
        let hashes = hashes.transpose().map_err(|error| self.store.explain("copy events into", &error))?;
        let listed = (*part == ROWS).then(|| records.clone());
        let mut query = sqlx::query(AssertSqlSafe(insertion(part))).bind(self.store.tenant.0.clone());
        query = bind_columns(query, part, records);
        if let Some(hashes) = hashes {
            query = query.bind(hashes);
        }
        let failed = |error| self.store.explain(&format!("copy {} into", part.name), &error);
        answered(PIECE_ANSWER, query.execute(&mut self.connection)).await.map_err(failed)?;
        if let Some(records) = listed {
            let query = sqlx::query(LIST).bind(self.store.tenant.0.clone());
            let query = bind_columns(query, part, without_bodies(records));
            answered(PIECE_ANSWER, query.execute(&mut self.connection)).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn end_at(&mut self, head: &Head) -> Result<(), LogError> {
        if head.seq == 0 {
            return Ok(());
        }
        let query = sqlx::query("INSERT INTO morningai.head (tenant, seq, hash) VALUES ($1, $2, decode($3, 'hex'))")
            .bind(self.store.tenant.0.clone())
            .bind(to_sql(head.seq))
            .bind(head.hash.clone());
        let done = answered(PIECE_ANSWER, query.execute(&mut self.connection)).await;
        done.map_err(|error| self.store.explain("copy into", &error))?;
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<(), LogError> {
        let done = answered(PIECE_ANSWER, sqlx::raw_sql("COMMIT").execute(&mut self.connection)).await;
        done.map_err(|error| self.store.explain("copy into", &error))?;
        // What it believed of the end is over.
        *self.store.end.lock().await = None;
        self.store.listeners.announce(self.store.read_end().await?.seq);
        watch::tell_others(&self.store);
        keeper::head_moved(&self.store);
        Ok(())
    }
}

/// What lists are made from; the columns are those of a projection row.
const LIST: &str = "INSERT INTO morningai.listing (tenant, kind, id, is_open, sort, state, parent, due)
     SELECT $1, kind, id, is_open, sort, state, parent, due
     FROM unnest($2::text[], $3::text[], $4::boolean[], $5::bigint[], $6::text[], $7::bytea[], $8::bigint[], $9::text[])
         AS new (kind, id, is_open, sort, state, parent, due, body)";

fn without_bodies(mut records: Vec<Record>) -> Vec<Record> {
    for cell in records.iter_mut().filter_map(|record| record.last_mut()) {
        *cell = Cell::Null;
    }
    records
}

/// One array a column; `$1` is the tenant. Postgres keeps some columns besides, which follow from the others.
fn insertion(part: &Part) -> String {
    let mut names: Vec<_> = part.columns.iter().map(|column| column.name).collect();
    let mut types: Vec<_> = part.columns.iter().map(|column| array(column.kind)).collect();
    if *part == EVENTS {
        names.push("hash");
        types.push("bytea[]");
    }
    let (version, first) = if *part == ROWS { (", version", ", 1") } else { ("", "") };
    let arrays: Vec<_> = types.iter().enumerate().map(|(at, kind)| format!("${}::{kind}", at + 2)).collect();
    let names = names.join(", ");
    format!(
        "INSERT INTO morningai.{} (tenant, {names}{version}) SELECT $1, new.*{first} FROM unnest({}) AS new ({names})",
        part.table,
        arrays.join(", ")
    )
}

fn array(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "bigint[]",
        Kind::Flag => "boolean[]",
        Kind::Text | Kind::RowId => "text[]",
        Kind::Bytes => "bytea[]",
    }
}

type Filled = Query<'static, Postgres, PgArguments>;

fn bind_columns(mut query: Filled, part: &Part, records: Vec<Record>) -> Filled {
    let mut columns: Vec<Vec<Cell>> = part.columns.iter().map(|_| Vec::with_capacity(records.len())).collect();
    for record in records {
        columns.iter_mut().zip(record).for_each(|(column, cell)| column.push(cell));
    }
    for (column, cells) in part.columns.iter().zip(columns) {
        query = match column.kind {
            Kind::Integer => query.bind(cells.into_iter().map(integer).collect::<Vec<_>>()),
            Kind::Flag => {
                query.bind(cells.into_iter().map(|cell| integer(cell).map(|flag| flag != 0)).collect::<Vec<_>>())
            }
            Kind::Text | Kind::RowId => query.bind(cells.into_iter().map(text).collect::<Vec<_>>()),
            Kind::Bytes => query.bind(cells.into_iter().map(bytes).collect::<Vec<_>>()),
        };
    }
    query
}

fn integer(cell: Cell) -> Option<i64> {
    if let Cell::Integer(number) = cell { Some(number) } else { None }
}

fn text(cell: Cell) -> Option<String> {
    if let Cell::Text(text) = cell { Some(text) } else { None }
}

fn bytes(cell: Cell) -> Option<Vec<u8>> {
    if let Cell::Bytes(bytes) = cell { Some(bytes) } else { None }
}

/// The hash of each event, which other stores do not keep beside it.
fn hashes(tenant: &Tenant, records: &[Record]) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    let mut chain = Chain::after(tenant, Link::NONE);
    let unreadable = || sqlx::Error::Decode("an event is not in its stored form".into());
    let hash = |record: &Record| match record.as_slice() {
        [
            Cell::Integer(seq),
            Cell::Bytes(stream),
            Cell::Integer(version),
            Cell::Integer(at),
            Cell::Text(actor),
            Cell::Bytes(prev),
            Cell::Text(body),
        ] => {
            let stream = stream_from_bytes(stream)?;
            let columns = Columns { seq: from_sql(*seq), stream, version: from_sql(*version), at: *at, actor, body };
            Some(chain.push(Link::from_bytes(prev)?, &columns).bytes().to_vec())
        }
        _ => None,
    };
    let hashes: Option<Vec<_>> = records.iter().map(hash).collect();
    hashes.ok_or_else(unreadable)
}

async fn piece(
    connection: &mut PgConnection,
    tenant: &Tenant,
    part: &'static Part,
    after: Option<&Record>,
) -> Result<Vec<Record>, sqlx::Error> {
    let start = if after.is_some() { Start::AfterKey } else { Start::Beginning };
    let table = format!("morningai.{}", part.table);
    let relation = if *part == ROWS { NEWEST_ROWS } else { table.as_str() };
    let mut query = sqlx::query(AssertSqlSafe(part.select(relation, start))).bind(tenant.0.clone());
    for (column, cell) in part.key_columns().iter().zip(after.into_iter().flatten()) {
        query = match column.kind {
            Kind::Integer => query.bind(integer(cell.clone())),
            Kind::Flag => query.bind(integer(cell.clone()).map(|flag| flag != 0)),
            Kind::Text | Kind::RowId => query.bind(text(cell.clone())),
            Kind::Bytes => query.bind(bytes(cell.clone())),
        };
    }
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| record(part, row)).collect()
}

fn record(part: &Part, row: &PgRow) -> Result<Record, sqlx::Error> {
    part.columns.iter().enumerate().map(|(at, column)| cell(column.kind, row, at)).collect()
}

fn cell(kind: Kind, row: &PgRow, at: usize) -> Result<Cell, sqlx::Error> {
    if row.try_get_raw(at)?.is_null() {
        return Ok(Cell::Null);
    }
    Ok(match kind {
        Kind::Integer => Cell::Integer(row.try_get(at)?),
        Kind::Flag => Cell::Integer(row.try_get::<bool, _>(at)?.into()),
        Kind::Text | Kind::RowId => Cell::Text(row.try_get(at)?),
        Kind::Bytes => Cell::Bytes(row.try_get(at)?),
    })
}
