//! Pruning: one transaction that tells of it in the log, moves what is to be left of events, and removes the rest. And
//! one that removes outputs.
//!
//! Those that append meanwhile wait from the event that tells of it to the end, which is as long as a portion takes.
//!
//! The program's own role can remove nothing, so this takes the owner of the schema.

use std::sync::Arc;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row as _};

use super::ask::{How, LONG_ANSWER, PIECE_ANSWER, answered};
use super::end::read_place;
use super::store::Store;
use super::transaction::{Kind, PATIENCE, beginning};
use super::{change, keeper, migrate, watch};
use crate::kinds::{AccessEvent, Stream};
use crate::ports::{LogError, LogErrorKind, NewEvent, Pruning, StoredOutput};
use crate::store::chain::{Link, Place, stream_bytes, stream_from_bytes};
use crate::store::pruning::{Left, OutputsPruned, Remains, changed};
use crate::store::refusal;
use crate::store::stored::{from_sql, to_sql};

/// Names and rows handled at a time.
const PIECE: usize = 1_000;

const READ: &str = "SELECT seq, stream, version, at, prev, hash FROM morningai.event
     WHERE event.tenant = $1 AND event.stream = ANY ($2) ORDER BY seq";

const LEAVE: &str = "
    INSERT INTO morningai.pruned (tenant, seq, stream, version, at, prev, hash, prune_seq)
    SELECT $1, seq, stream, version, at, prev, hash, $3 FROM morningai.event
    WHERE event.tenant = $1 AND event.stream = ANY ($2)";

const REMOVE_EVENTS: &str = "DELETE FROM morningai.event WHERE event.tenant = $1 AND event.stream = ANY ($2)";

/// Nobody may store an output while this decides that nothing names it.
const HOLD_OUTPUTS: &str = "LOCK TABLE morningai.blob IN SHARE ROW EXCLUSIVE MODE";

/// A lease that ran out counts while its run is open: whoever held it may only be slow, and name an output yet.
const IS_ANY_HELD: &str = "
    SELECT EXISTS (SELECT FROM (
        SELECT DISTINCT ON (run) run, owner, until FROM morningai.lease WHERE tenant = $1 ORDER BY run, version DESC
        ) AS last
    WHERE last.owner <> '' AND (last.until > extract(epoch FROM clock_timestamp()) * 1000000
        OR EXISTS (SELECT FROM morningai.listing AS run WHERE run.tenant = $1 AND run.kind = 'run' AND run.is_open
            AND run.id = encode(last.run, 'hex')::uuid::text)))";

const REMOVE_OUTPUTS: &str = "DELETE FROM morningai.blob WHERE tenant = $1 AND hash = ANY ($2)";

/// What the log is to tell of what is left.
pub(super) async fn remains(store: &Store, pruning: &Pruning) -> Result<AccessEvent, LogError> {
    let names = names_of(&pruning.streams);
    let rows = store
        .ask(How::ReadingMuch, "prune", || sqlx::query(READ).bind(store.tenant.0.clone()).bind(names.clone()))
        .await?;
    Remains::of(store, &rows)?.event(pruning)
}

fn names_of(streams: &[Stream]) -> Vec<Vec<u8>> {
    streams.iter().map(|stream| stream_bytes(*stream).to_vec()).collect()
}

impl Remains {
    fn of(store: &Store, rows: &[PgRow]) -> Result<Self, LogError> {
        let mut remains = Self::default();
        for row in rows {
            remains.take(&left(row).map_err(|why| store.explain("prune", &sqlx::Error::Decode(why.into())))?);
        }
        Ok(remains)
    }
}

pub(super) async fn prune(store: &Arc<Store>, pruning: &Pruning, told: NewEvent) -> Result<(), LogError> {
    store.check_writable()?;
    let mut connection = owners_connection(store).await?;
    let failed = |error| store.explain("prune", &error);
    begin(store, &mut connection).await.map_err(failed)?;
    // Whatever fails on the way drops the connection, and with it the transaction.
    let end = within(store, &mut connection, pruning, told).await?;
    let committed = sqlx::raw_sql("COMMIT").execute(&mut connection);
    answered(PIECE_ANSWER, committed).await.map_err(failed)?;
    *store.end.lock().await = None;
    store.listeners.announce(end.seq);
    watch::tell_others(store);
    keeper::head_moved(store);
    Ok(())
}

async fn owners_connection(store: &Store) -> Result<PgConnection, LogError> {
    let mut connection = store.readers.connector().connect().await?;
    let rights = answered(LONG_ANSWER, migrate::rights(&mut connection)).await;
    let rights = rights.map_err(|error| store.explain("prune", &error))?;
    if rights.may_migrate {
        return Ok(connection);
    }
    Err(LogError::new(
        LogErrorKind::Unusable,
        format!("the role {} may add events to {} and remove none", rights.role, store.place),
        "prune as the owner of the schema: the role that ran `morningai db migrate --grant`",
    ))
}

async fn begin(store: &Store, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let begin = format!("{}; {PATIENCE}", beginning(&store.tenant, Kind::Write));
    answered(PIECE_ANSWER, sqlx::raw_sql(AssertSqlSafe(begin)).execute(connection)).await.map(drop)
}

async fn within(
    store: &Store,
    connection: &mut PgConnection,
    pruning: &Pruning,
    told: NewEvent,
) -> Result<Place, LogError> {
    let failed = |error| store.explain("prune", &error);
    let streams = names_of(&pruning.streams);
    let of_them = |sql: &'static str| sqlx::query(sql).bind(store.tenant.0.clone()).bind(streams.clone());
    let rows = answered(PIECE_ANSWER, of_them(READ).fetch_all(&mut *connection)).await.map_err(failed)?;
    Remains::of(store, &rows)?.check(pruning, &told.event)?;
    let told = change::tell(store, connection, &[told]).await.map_err(|failure| failure.error)?;
    let end = told.end.ok_or_else(|| failed(sqlx::Error::RowNotFound))?;
    let leave = of_them(LEAVE).bind(to_sql(end.seq));
    let kept = answered(PIECE_ANSWER, leave.execute(&mut *connection)).await.map_err(failed)?.rows_affected();
    // From here on nobody can have appended to them; until here somebody may have.
    if kept != pruning.events {
        return Err(changed(pruning, kept));
    }
    remove_rows(connection, &store.tenant.0, &pruning.streams).await.map_err(failed)?;
    answered(PIECE_ANSWER, of_them(REMOVE_EVENTS).execute(connection)).await.map_err(failed)?;
    Ok(end)
}

/// What is left of an event; the error says what is wrong with it.
pub(super) fn left(row: &PgRow) -> Result<Left, String> {
    let column = |error: sqlx::Error| error.to_string();
    Ok(Left {
        seq: from_sql(row.try_get("seq").map_err(column)?),
        stream: stream_from_bytes(row.try_get("stream").map_err(column)?).ok_or("its stream is none")?,
        version: from_sql(row.try_get("version").map_err(column)?),
        at: row.try_get("at").map_err(column)?,
        prev: Link::from_bytes(row.try_get("prev").map_err(column)?).ok_or("its prev is not a SHA-256")?,
        hash: Link::from_bytes(row.try_get("hash").map_err(column)?).ok_or("its hash is not a SHA-256")?,
    })
}

async fn remove_rows(connection: &mut PgConnection, tenant: &str, streams: &[Stream]) -> Result<(), sqlx::Error> {
    let named = |stream: &Stream| {
        let (kind, id) = stream.parts();
        (kind, id.to_string())
    };
    for some in streams.chunks(PIECE) {
        let (kinds, ids): (Vec<_>, Vec<_>) = some.iter().map(named).unzip();
        for table in ["projection", "listing"] {
            let remove = format!(
                "DELETE FROM morningai.{table} AS old USING unnest($2::text[], $3::text[]) AS gone (kind, id)
                 WHERE old.tenant = $1 AND old.kind = gone.kind AND old.id = gone.id"
            );
            let query = sqlx::query(AssertSqlSafe(remove)).bind(tenant.to_owned());
            let query = query.bind(kinds.clone()).bind(ids.clone());
            answered(PIECE_ANSWER, query.execute(&mut *connection)).await?;
        }
    }
    Ok(())
}

/// Removes outputs that nothing names in the log as it ended at `after`; `Conflict` when it has moved on. Nobody can store
/// an output meanwhile.
pub(super) async fn prune_outputs(
    store: &Arc<Store>,
    after: u64,
    outputs: &[StoredOutput],
) -> Result<OutputsPruned, LogError> {
    store.check_writable()?;
    let mut connection = owners_connection(store).await?;
    let failed = |error| store.explain("prune", &error);
    begin(store, &mut connection).await.map_err(failed)?;
    let hold = sqlx::raw_sql(HOLD_OUTPUTS).execute(&mut connection);
    answered(PIECE_ANSWER, hold).await.map_err(failed)?;
    let end = answered(PIECE_ANSWER, read_place(&mut connection, &store.tenant)).await.map_err(failed)?;
    if end.seq != after {
        return Err(refusal::conflict(after, end.seq));
    }
    let is_held = sqlx::query_scalar(IS_ANY_HELD).bind(store.tenant.0.clone());
    if answered(PIECE_ANSWER, is_held.fetch_one(&mut connection)).await.map_err(failed)? {
        return Ok(OutputsPruned::LeftForTheNextTime);
    }
    let hashes: Vec<_> = outputs.iter().map(|output| output.0.clone()).collect();
    let remove = sqlx::query(REMOVE_OUTPUTS).bind(store.tenant.0.clone()).bind(hashes);
    let removed = answered(PIECE_ANSWER, remove.execute(&mut connection)).await.map_err(failed)?;
    let committed = sqlx::raw_sql("COMMIT").execute(&mut connection);
    answered(PIECE_ANSWER, committed).await.map_err(failed)?;
    Ok(OutputsPruned::Removed(removed.rows_affected()))
}
