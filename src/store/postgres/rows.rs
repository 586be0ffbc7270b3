//! Projection rows: found by kind, state and time; replaced as a whole for a rebuild.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row as _};

use super::append::RowColumns;
use super::ask::{ANSWER, How, LONG_ANSWER, Question, answered};
use super::error::unreadable_row;
use super::keys::Keys;
use super::store::Store;
use super::transaction::{Kind, begin, beginning, literal};
use super::{error, keys};
use crate::domain::Timestamp;
use crate::kinds::{Row, RowKey, RowKind};
use crate::ports::{LogError, Page, RowFilter};
use crate::store::refusal;
use crate::store::seal::Sealing;
use crate::store::stored::{page, to_sql};

/// Rows written in one statement of a rebuild; bounds what is held twice.
const CHUNK: usize = 256;

/// Starts every list of rows; what a row says is its newest version.
macro_rules! listed_rows {
    ($rest:literal) => {
        concat!(
            "SELECT newest.* FROM morningai.listing AS listed
             CROSS JOIN LATERAL (
                 SELECT said.id, said.is_open, said.sort, said.body FROM morningai.projection AS said
                 WHERE said.tenant = $1 AND said.kind = listed.kind AND said.id = listed.id
                 ORDER BY said.version DESC LIMIT 1) AS newest
             WHERE listed.tenant = $1 AND listed.kind = $2 AND ",
            $rest
        )
    };
}

const ONE_ROW: &str = "SELECT id, is_open, sort, body FROM morningai.projection
     WHERE tenant = $1 AND kind = $2 AND id = $3 ORDER BY version DESC LIMIT 1";

pub(super) async fn find(store: &Store, filter: RowFilter) -> Result<Page<Row>, LogError> {
    let (kind, limit) = match filter {
        RowFilter::Open(kind) => (kind, u32::MAX),
        RowFilter::Recent { kind, limit, .. } | RowFilter::Closed { kind, limit, .. } => (kind, limit),
        RowFilter::One { kind, .. } => (kind, 1),
        RowFilter::Named { kind, limit, .. } => (kind, limit),
    };
    let found = store.ask(How::ReadingMuch, "read rows of", || question(store, filter)).await?;
    let found = page(found, limit);
    keys::learn(store, store.seal.unknown(found.rows.iter().filter_map(|row| row.try_get(3).ok()))).await?;
    let rows = found.rows.iter().filter_map(|row| decode(store, kind, row).transpose()).collect::<Result<_, _>>()?;
    Ok(Page { rows, more: found.more })
}

fn question(store: &Store, filter: RowFilter) -> Question {
    let begun = |sql: &'static str, kind: RowKind| sqlx::query(sql).bind(store.tenant.0.clone()).bind(kind.name());
    // One row more than wanted tells whether there are more.
    let paged = |sql: &'static str, kind, offset: u32, limit: u32| {
        begun(sql, kind).bind(i64::from(limit) + 1).bind(i64::from(offset))
    };
    match filter {
        RowFilter::Open(kind) => begun(listed_rows!("listed.is_open ORDER BY listed.sort DESC, listed.id DESC"), kind),
        RowFilter::Recent { kind, offset, limit } => paged(
            listed_rows!("true ORDER BY listed.sort DESC, listed.id DESC LIMIT $3 OFFSET $4"),
            kind,
            offset,
            limit,
        ),
        RowFilter::Closed { kind, offset, limit } => {
            let sql = listed_rows!("NOT listed.is_open ORDER BY listed.sort DESC, listed.id DESC LIMIT $3 OFFSET $4");
            paged(sql, kind, offset, limit)
        }
        RowFilter::One { kind, id } => begun(ONE_ROW, kind).bind(id.to_string()),
        RowFilter::Named { kind, id, limit } => {
            let sql = listed_rows!(
                "(listed.id COLLATE \"C\" BETWEEN $3 AND $4 OR right(listed.id, 8) = $5)
                 ORDER BY listed.sort DESC, listed.id DESC LIMIT $6"
            );
            let query = begun(sql, kind).bind(id.first.to_string()).bind(id.last.to_string());
            query.bind(id.tail.map(hex::encode)).bind(i64::from(limit) + 1)
        }
    }
}

/// `None` for a row of somebody who was erased.
pub(super) fn decode(store: &Store, kind: RowKind, row: &PgRow) -> Result<Option<Row>, LogError> {
    let column = |error: sqlx::Error| error.to_string();
    let read = || -> Result<Option<Row>, String> {
        let sort = row.try_get(2).map_err(column)?;
        let sort = Timestamp::from_timestamp_micros(sort).ok_or("a time out of range")?;
        let key = RowKey { kind, id: row.try_get(0).map_err(column)? };
        let is_open = row.try_get(1).map_err(column)?;
        let body = store.seal.row(&key, row.try_get(3).map_err(column)?)?;
        Ok(body.map(|body| Row { key, is_open, sort, body }))
    };
    read().map_err(|why| unreadable_row(&store.place, &format!("a row of kind {}", kind.name()), &why))
}

/// Meanwhile nobody appends: whoever wants to takes the number of the next event, which another connection holds, and is
/// let go of in the end. A lock on the table would need a right that the program has no other use for.
pub(super) async fn replace(store: &Store, after: u64, rows: &[Row]) -> Result<(), LogError> {
    store.check_writable()?;
    let mut holding = store.readers.lend().await?;
    let replaced = match hold_off(store, &mut holding.connection, after).await {
        Ok(()) => replace_held(store, &mut holding.connection, after, rows).await,
        Err(error) if error::is_unique_violation(&error) => Err(refusal::conflict(after, after + 1)),
        Err(error) => return Err(store.failure(REBUILDING, &error).error),
    };
    match answered(ANSWER, sqlx::raw_sql("ROLLBACK").execute(&mut holding.connection)).await {
        Ok(_) => holding.give_back(),
        // The number may have been free for a while: somebody may have appended before the rows were saved.
        Err(_) => return replaced.and(Err(refusal::conflict(after, after + 1))),
    }
    replaced
}

/// Takes the number after `after`, in a transaction that is never committed. All in one round trip: between two commits of
/// others there is hardly time for more.
async fn hold_off(store: &Store, connection: &mut PgConnection, after: u64) -> Result<(), sqlx::Error> {
    let (beginning, tenant) = (beginning(&store.tenant, Kind::Write), literal(&store.tenant.0));
    let next = to_sql(after + 1);
    let taking = format!(
        "{beginning}; SET LOCAL idle_in_transaction_session_timeout = 0;
         INSERT INTO morningai.event (tenant, seq, stream, version, at, actor, prev, hash, body)
         VALUES ({tenant}, {next}, '', 0, 0, '', '', '', '')"
    );
    answered(LONG_ANSWER, sqlx::raw_sql(AssertSqlSafe(taking)).execute(connection)).await.map(drop)
}

async fn replace_held(store: &Store, holder: &mut PgConnection, after: u64, rows: &[Row]) -> Result<(), LogError> {
    let end = store.read_end().await?;
    if end.seq != after {
        return Err(refusal::conflict(after, end.seq));
    }
    let sealing = store.seal.prepare(&mut Keys(store), end, (&[], rows)).await?;
    replace_all(store, holder, &sealing, rows).await
}

const REBUILDING: &str = "rebuild the rows of";

async fn replace_all(
    store: &Store,
    holder: &mut PgConnection,
    sealing: &Sealing,
    rows: &[Row],
) -> Result<(), LogError> {
    let failed = |error| store.failure(REBUILDING, &error).error;
    let mut lent = store.readers.lend().await?;
    let beginning = begin(&mut lent.connection, &store.tenant, Kind::Write);
    let mut transaction = answered(LONG_ANSWER, beginning).await.map_err(failed)?;
    for table in
        ["DELETE FROM morningai.projection WHERE tenant = $1", "DELETE FROM morningai.listing WHERE tenant = $1"]
    {
        let query = sqlx::query(table).bind(&store.tenant.0);
        answered(LONG_ANSWER, query.execute(&mut *transaction)).await.map_err(failed)?;
    }
    for some in rows.chunks(CHUNK) {
        let columns = RowColumns::of(sealing, some.to_vec())?;
        let query = sqlx::query("SELECT morningai.put_rows($1, $2, $3, $4, $5, $6)").bind(&store.tenant.0);
        answered(LONG_ANSWER, columns.bind(query).execute(&mut *transaction)).await.map_err(failed)?;
    }
    // Whoever holds the others off must have done so until now.
    answered(ANSWER, sqlx::raw_sql("SELECT 1").execute(holder)).await.map_err(failed)?;
    answered(LONG_ANSWER, transaction.commit()).await.map_err(failed)?;
    lent.give_back();
    Ok(())
}
