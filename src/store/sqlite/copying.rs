//! The SQLite side of a copy: reading one state of the file, and filling it in one transaction.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Row as _, Sqlite, SqliteConnection, Transaction, TypeInfo as _, ValueRef as _,
};
use uuid::Uuid;

use super::error::explain;
use super::store::Store;
use super::verify::{confirm, examine};
use super::{keeper, open};
use crate::domain::Tenant;
use crate::ports::{Head, LogError, VerifyReport};
use crate::store::copying::{Cell, Filling, Kind, PARTS, Part, Reading, Record, Start};
use crate::store::examiner::Examination;
use crate::store::stored::to_sql;
use crate::store::{OpenMode, heads};

/// A transaction that reads.
pub(in crate::store) struct Snapshot {
    store: Arc<Store>,
    place: String,
    tables: BTreeSet<String>,
    kept: Vec<Head>,
    transaction: Transaction<'static, Sqlite>,
}

/// A transaction that writes, on a connection of its own; closing it without a commit undoes all of it.
pub(in crate::store) struct Inflow {
    store: Arc<Store>,
    place: String,
    tables: BTreeSet<String>,
    kept: Vec<Head>,
    connection: SqliteConnection,
}

pub(super) async fn begin_reading(store: &Arc<Store>) -> Result<Snapshot, LogError> {
    let kept = heads::load(&store.path, &store.tenant)?;
    let failed = |error| store.explain("copy", &error);
    let mut transaction = store.readers.begin().await.map_err(failed)?;
    let tables = tables(&mut transaction).await.map_err(failed)?;
    Ok(Snapshot { store: store.clone(), place: place(store), tables, kept, transaction })
}

pub(super) async fn begin_filling(store: &Arc<Store>) -> Result<Inflow, LogError> {
    // Refused where the store was opened for reading.
    drop(store.writer().await?);
    let kept = heads::load(&store.path, &store.tenant)?;
    let failed = |error| store.explain("copy into", &error);
    let mut connection = open::options(&store.path, OpenMode::ReadWrite).connect().await.map_err(failed)?;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.map_err(failed)?;
    let tables = tables(&mut connection).await.map_err(failed)?;
    Ok(Inflow { store: store.clone(), place: place(store), tables, kept, connection })
}

/// Whoever has anything in the file, in the order of their names.
pub(super) async fn tenants(path: &Path, connection: &mut SqliteConnection) -> Result<Vec<Tenant>, LogError> {
    let each: Vec<_> = PARTS.iter().map(|part| format!("SELECT tenant FROM {}", part.table)).collect();
    let all = format!("{} ORDER BY tenant", each.join(" UNION "));
    let names: Vec<String> = sqlx::query_scalar(AssertSqlSafe(all))
        .fetch_all(connection)
        .await
        .map_err(|error| explain(path, "list tenants in", &error))?;
    Ok(names.into_iter().map(Tenant).collect())
}

async fn tables(connection: &mut SqliteConnection) -> Result<BTreeSet<String>, sqlx::Error> {
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'").fetch_all(connection).await?;
    Ok(names.into_iter().collect())
}

fn place(store: &Store) -> String {
    store.path.display().to_string()
}

#[async_trait]
impl Reading for Snapshot {
    fn place(&self) -> &str {
        &self.place
    }

    fn holds(&self, part: &Part) -> bool {
        self.tables.contains(part.table)
    }

    async fn piece(&mut self, part: &'static Part, after: Option<&Record>) -> Result<Vec<Record>, LogError> {
        let read = piece(&mut self.transaction, &self.store, part, after).await;
        read.map_err(|error| self.store.explain(&format!("copy {} from", part.name), &error))
    }

    async fn examine(&mut self, saved: &[Head]) -> Result<Examination, LogError> {
        let examined = examine(&mut self.transaction, &self.store.tenant, saved, Ok(self.kept.clone())).await;
        examined.map_err(|error| self.store.explain("verify", &error))
    }

    async fn confirm(&self, examination: Examination) -> Result<VerifyReport, LogError> {
        confirm(&self.store, examination).await
    }
}

#[async_trait]
impl Reading for Inflow {
    fn place(&self) -> &str {
        &self.place
    }

    fn holds(&self, part: &Part) -> bool {
        self.tables.contains(part.table)
    }

    async fn piece(&mut self, part: &'static Part, after: Option<&Record>) -> Result<Vec<Record>, LogError> {
        let read = piece(&mut self.connection, &self.store, part, after).await;
        read.map_err(|error| self.store.explain(&format!("look for {} in", part.name), &error))
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
impl Filling for Inflow {
    async fn put(&mut self, part: &'static Part, records: Vec<Record>) -> Result<(), LogError> {
        let mut query = sqlx::query(AssertSqlSafe(insertion(part, records.len()))).bind(self.store.tenant.0.clone());
        for record in records {
            for (column, cell) in part.columns.iter().zip(record) {
                query = bind(query, column.kind, cell);
            }
        }
        let done = query.execute(&mut self.connection).await;
        done.map_err(|error| self.store.explain(&format!("copy {} into", part.name), &error))?;
        Ok(())
    }

    async fn end_at(&mut self, head: &Head) -> Result<(), LogError> {
        if head.seq == 0 {
            return Ok(());
        }
        let done = sqlx::query("INSERT INTO head (tenant, seq, hash) VALUES ($1, $2, unhex($3))")
            .bind(self.store.tenant.0.clone())
            .bind(to_sql(head.seq))
            .bind(head.hash.clone())
            .execute(&mut self.connection)
            .await;
        done.map_err(|error| self.store.explain("copy into", &error))?;
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<(), LogError> {
        let done = sqlx::raw_sql("COMMIT").execute(&mut self.connection).await;
        done.map_err(|error| self.store.explain("copy into", &error))?;
        self.store.listeners.announce(self.store.place().await?.seq);
        keeper::head_moved(&self.store);
        Ok(())
    }
}

/// `INSERT INTO … VALUES ($1, $2, …), ($1, …)`: `$1` is the tenant.
fn insertion(part: &Part, records: usize) -> String {
    let width = part.columns.len();
    let names: Vec<_> = part.columns.iter().map(|column| column.name).collect();
    let row = |at: usize| {
        let places: Vec<_> = (0..width).map(|column| format!("${}", at * width + column + 2)).collect();
        format!("($1, {})", places.join(", "))
    };
    let rows: Vec<_> = (0..records).map(row).collect();
    format!("INSERT INTO {} (tenant, {}) VALUES {}", part.table, names.join(", "), rows.join(", "))
}

async fn piece(
    connection: &mut SqliteConnection,
    store: &Store,
    part: &'static Part,
    after: Option<&Record>,
) -> Result<Vec<Record>, sqlx::Error> {
    let start = if after.is_some() { Start::AfterKey } else { Start::Beginning };
    let mut query = sqlx::query(AssertSqlSafe(part.select(part.table, start))).bind(store.tenant.0.clone());
    for (column, cell) in part.key_columns().iter().zip(after.into_iter().flatten()) {
        query = bind(query, column.kind, cell.clone());
    }
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| record(part, row)).collect()
}

fn record(part: &Part, row: &SqliteRow) -> Result<Record, sqlx::Error> {
    part.columns.iter().enumerate().map(|(at, column)| cell(column.kind, row, at)).collect()
}

fn cell(kind: Kind, row: &SqliteRow, at: usize) -> Result<Cell, sqlx::Error> {
    let value = row.try_get_raw(at)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let is_bytes = value.type_info().name() == "BLOB";
    Ok(match kind {
        Kind::Integer | Kind::Flag => Cell::Integer(row.try_get(at)?),
        Kind::Bytes => Cell::Bytes(row.try_get(at)?),
        Kind::RowId if is_bytes => {
            let id = Uuid::from_slice(row.try_get(at)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
            Cell::Text(id.to_string())
        }
        Kind::Text | Kind::RowId => Cell::Text(row.try_get(at)?),
    })
}

type Filled = Query<'static, Sqlite, SqliteArguments>;

fn bind(query: Filled, kind: Kind, cell: Cell) -> Filled {
    match (kind, cell) {
        (_, Cell::Null) => query.bind(None::<i64>),
        (_, Cell::Integer(number)) => query.bind(number),
        (_, Cell::Bytes(bytes)) => query.bind(bytes),
        (Kind::RowId, Cell::Text(text)) => match Uuid::try_parse(&text) {
            Ok(id) => query.bind(id.as_bytes().to_vec()),
            Err(_) => query.bind(text),
        },
        (_, Cell::Text(text)) => query.bind(text),
    }
}
