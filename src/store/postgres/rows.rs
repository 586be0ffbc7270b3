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
use crate::kinds::{Row, RowKey};
use crate::ports::{LogError, Page, RowFilter, RowQuery};
use crate::store::chain::stream_bytes;
use crate::store::refusal;
use crate::store::seal::Sealing;
use crate::store::stored::{RowIndex, beginning as first_place, page, row_kind, to_sql};

/// Rows written in one statement of a rebuild; bounds what is held twice.
const CHUNK: usize = 256;

/// Where lists come from; what a row says is its newest version.
macro_rules! listed_rows {
    ($($rest:expr),+) => {
        concat!(
            "SELECT newest.* FROM morningai.listing AS listed
             CROSS JOIN LATERAL (
                 SELECT said.id, said.is_open, said.sort, said.body, said.state, said.parent, said.due, said.kind
                 FROM morningai.projection AS said
                 WHERE said.tenant = $1 AND said.kind = listed.kind AND said.id = listed.id
                 ORDER BY said.version DESC LIMIT 1) AS newest
             WHERE listed.tenant = $1 AND ",
            $($rest),+
        )
    };
}

/// A page of a list: one row more than wanted tells whether there are more.
macro_rules! find_rows {
    ($which:literal) => {
        listed_rows!(
            "listed.kind = $2 AND ",
            $which,
            " AND (listed.sort, listed.id) < ($3, $4) ORDER BY listed.sort DESC, listed.id DESC LIMIT $5"
        )
    };
}

const ONE_ROW: &str = "SELECT id, is_open, sort, body, state, parent, due, kind FROM morningai.projection
     WHERE tenant = $1 AND kind = $2 AND id = $3 ORDER BY version DESC LIMIT 1";

pub(super) async fn find(store: &Store, wanted: RowQuery) -> Result<Page<Row>, LogError> {
    let found = store.ask(How::ReadingMuch, "read rows of", || question(store, &wanted)).await?;
    let found = page(found, wanted.limit);
    keys::learn(store, store.seal.unknown(bodies(&found.rows))).await?;
    let rows = found.rows.iter().filter_map(|row| decode(store, row).transpose()).collect::<Result<_, _>>()?;
    Ok(Page { rows, more: found.more })
}

fn question(store: &Store, wanted: &RowQuery) -> Question {
    let begun = |sql: &'static str| sqlx::query(sql).bind(store.tenant.0.clone()).bind(wanted.kind.name());
    let (sort, id) = first_place(wanted.after.as_ref());
    let paged = |sql| begun(sql).bind(sort).bind(id.to_owned()).bind(i64::from(wanted.limit) + 1);
    match &wanted.filter {
        RowFilter::All => paged(find_rows!("true")),
        RowFilter::Open => paged(find_rows!("listed.is_open")),
        RowFilter::Ended => paged(find_rows!("NOT listed.is_open")),
        RowFilter::One(id) => begun(ONE_ROW).bind(id.to_string()),
        RowFilter::Named(id) => {
            paged(find_rows!("(listed.id COLLATE \"C\" BETWEEN $6 AND $7 OR right(listed.id, 8) = $8)"))
                .bind(id.first.to_string())
                .bind(id.last.to_string())
                .bind(id.tail.map(hex::encode))
        }
        RowFilter::InState(state) => paged(find_rows!("listed.state = $6")).bind(state.clone()),
        RowFilter::PartOf(stream) => paged(find_rows!("listed.parent = $6")).bind(stream_bytes(*stream).to_vec()),
        RowFilter::DueBefore(time) => paged(find_rows!("listed.due < $6")).bind(time.timestamp_micros()),
    }
}

/// The stored JSON of rows, where it can be read.
pub(super) fn bodies(rows: &[PgRow]) -> impl Iterator<Item = &str> {
    rows.iter().filter_map(|row| row.try_get(3).ok())
}

/// `None` for a row of somebody who was erased.
pub(super) fn decode(store: &Store, row: &PgRow) -> Result<Option<Row>, LogError> {
    let column = |error: sqlx::Error| error.to_string();
    let read = || -> Result<Option<Row>, String> {
        let key = RowKey { kind: row_kind(row.try_get(7).map_err(column)?)?, id: row.try_get(0).map_err(column)? };
        let index = RowIndex {
            is_open: row.try_get(1).map_err(column)?,
            sort: row.try_get(2).map_err(column)?,
            state: row.try_get(4).map_err(column)?,
            parent: row.try_get(5).map_err(column)?,
            due: row.try_get(6).map_err(column)?,
        };
        let body = store.seal.row(&key, row.try_get(3).map_err(column)?)?;
        body.map(|body| index.row(key, body)).transpose()
    };
    let kind = row.try_get(7).unwrap_or("unknown");
    read().map_err(|why| unreadable_row(&store.place, &format!("a row of kind {kind}"), &why))
}

/// Fills in what lists find rows by that an earlier version wrote, a piece at a time. A row that cannot be read says so
/// to the caller.
pub(super) async fn complete(store: &Store) -> Result<(), LogError> {
    const INCOMPLETE: &str = listed_rows!("listed.state IS NULL LIMIT 256");
    const COMPLETE: &str =
        "UPDATE morningai.listing AS listed SET state = new.state, parent = new.parent, due = new.due
         FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[], $6::bigint[])
             AS new (kind, id, state, parent, due)
         WHERE listed.tenant = $1 AND listed.kind = new.kind AND listed.id = new.id AND listed.state IS NULL";
    let doing = "migrate the rows of";
    loop {
        let incomplete = || sqlx::query(INCOMPLETE).bind(store.tenant.0.clone());
        let found = store.ask(How::ReadingMuch, doing, incomplete).await?;
        if found.is_empty() {
            return Ok(());
        }
        keys::learn(store, store.seal.unknown(bodies(&found))).await?;
        let (mut keys, mut columns) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new(), Vec::new()));
        for row in &found {
            let read = decode(store, row).ok().flatten();
            let (state, parent, due) = read.map(|row| (row.state, row.parent, row.due)).unwrap_or_default();
            let column = |error| store.explain(doing, &error);
            keys.0.push(row.try_get::<String, _>(7).map_err(column)?);
            keys.1.push(row.try_get::<String, _>(0).map_err(column)?);
            columns.0.push(state);
            columns.1.push(parent.map(|parent| stream_bytes(parent).to_vec()));
            columns.2.push(due.map(|due| due.timestamp_micros()));
        }
        let complete = || {
            let query = sqlx::query(COMPLETE).bind(store.tenant.0.clone()).bind(keys.0.clone()).bind(keys.1.clone());
            query.bind(columns.0.clone()).bind(columns.1.clone()).bind(columns.2.clone())
        };
        store.ask(How::Writing, doing, complete).await?;
    }
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
        let query = sqlx::query("SELECT morningai.put_rows($1, $2, $3, $4, $5, $6, $7, $8, $9)").bind(&store.tenant.0);
        answered(LONG_ANSWER, columns.bind(query).execute(&mut *transaction)).await.map_err(failed)?;
    }
    // Whoever holds the others off must have done so until now.
    answered(ANSWER, sqlx::raw_sql("SELECT 1").execute(holder)).await.map_err(failed)?;
    answered(LONG_ANSWER, transaction.commit()).await.map_err(failed)?;
    lent.give_back();
    Ok(())
}
