//! Pruning: one transaction that moves what is to be left of events, tells of it in the log, and removes the rest.
//!
//! The program's own role can remove nothing, so this takes the owner of the schema.

use std::sync::Arc;

use sqlx::AssertSqlSafe;
use sqlx::Row as _;
use sqlx::postgres::PgConnection;
use sqlx::postgres::PgRow;

use super::Kind;
use super::Store;
use super::append::Prepared;
use super::append::why_refused;
use super::beginning;
use super::copying::PATIENCE;
use super::keeper;
use super::keys::Keys;
use super::migrate;
use super::read_place;
use super::watch;
use crate::domain::AccountId;
use crate::domain::Stream;
use crate::ports::Batch;
use crate::ports::LogError;
use crate::ports::LogErrorKind;
use crate::ports::NewEvent;
use crate::store::chain::Link;
use crate::store::chain::Place;
use crate::store::chain::stream_bytes;
use crate::store::chain::stream_from_bytes;
use crate::store::pruning::Left;
use crate::store::pruning::OutputsPruned;
use crate::store::pruning::PruneReport;
use crate::store::pruning::Pruning;
use crate::store::pruning::Remains;
use crate::store::refusal;
use crate::store::stored::from_sql;
use crate::store::stored::to_sql;

/// Names and rows handled at a time.
const PIECE: usize = 1_000;

const LEAVE: &str = "
    INSERT INTO morningai.pruned (tenant, seq, stream, version, at, prev, hash, prune_seq)
    SELECT $1, seq, stream, version, at, prev, hash, $3 FROM morningai.event
    WHERE event.tenant = $1 AND event.stream = ANY ($2)";

const READ_LEFT: &str = "SELECT seq, stream, version, at, prev, hash FROM morningai.pruned
     WHERE tenant = $1 AND prune_seq = $2 AND seq > $3 ORDER BY seq LIMIT $4";

const REMOVE_EVENTS: &str =
    "DELETE FROM morningai.event WHERE event.tenant = $1 AND event.stream = ANY ($2) AND event.seq <= $3";

/// Nobody may store an output while this decides that nothing names it.
const HOLD_OUTPUTS: &str = "LOCK TABLE morningai.blob IN SHARE ROW EXCLUSIVE MODE";

const IS_ANY_HELD: &str = "
    SELECT EXISTS (SELECT FROM (
        SELECT DISTINCT ON (run) owner, until FROM morningai.lease WHERE tenant = $1 ORDER BY run, version DESC) AS last
    WHERE last.owner <> '' AND last.until > extract(epoch FROM clock_timestamp()) * 1000000)";

pub(super) async fn prune(store: &Arc<Store>, pruning: &Pruning) -> Result<PruneReport, LogError> {
    store.check_writable()?;
    let failed = |error| store.explain("prune", &error);
    let mut connection = store.readers.connector().connect().await?;
    let rights = migrate::rights(&mut connection).await.map_err(failed)?;
    if !rights.may_migrate {
        return Err(LogError::new(
            LogErrorKind::Unusable,
            format!("the role {} may add events to {} and remove none", rights.role, store.place),
            "prune as the owner of the schema: the role that ran `morningai db migrate --grant`",
        ));
    }
    begin(store, &mut connection).await.map_err(failed)?;
    // Whatever fails on the way drops the connection, and with it the transaction.
    let (end, events) = within(store, &mut connection, pruning).await?;
    sqlx::raw_sql("COMMIT").execute(&mut connection).await.map_err(failed)?;
    *store.end.lock().await = None;
    store.announce(end.seq);
    watch::tell_others(store);
    keeper::head_moved(store);
    let outputs = remove_outputs(store, &mut connection, pruning, end).await.map_err(failed)?;
    Ok(PruneReport { events, outputs })
}

async fn begin(store: &Store, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let begin = format!("{}; {PATIENCE}", beginning(&store.tenant, Kind::Write));
    sqlx::raw_sql(AssertSqlSafe(begin)).execute(connection).await.map(drop)
}

async fn within(store: &Store, connection: &mut PgConnection, pruning: &Pruning) -> Result<(Place, u64), LogError> {
    let failed = |error| store.explain("prune", &error);
    let tenant = store.tenant.0.clone();
    let start = read_place(connection, &store.tenant).await.map_err(failed)?;
    if start.seq != pruning.after {
        return Err(refusal::conflict(pruning.after, start.seq));
    }
    let prune_seq = start.seq + 1;
    let streams: Vec<Vec<u8>> = pruning.streams.iter().map(|stream| stream_bytes(*stream).to_vec()).collect();
    let leave = sqlx::query(LEAVE).bind(tenant.clone()).bind(streams.clone()).bind(to_sql(prune_seq));
    leave.execute(&mut *connection).await.map_err(failed)?;
    let remains = remains(store, connection, prune_seq).await?;
    remove_rows(connection, &tenant, &pruning.streams).await.map_err(failed)?;
    let remove = |upto: u64| sqlx::query(REMOVE_EVENTS).bind(tenant.clone()).bind(streams.clone()).bind(to_sql(upto));
    // All but the last event, which an append must find; so those that append wait for the end of this only briefly.
    remove(start.seq.saturating_sub(1)).execute(&mut *connection).await.map_err(failed)?;
    let end = tell(store, connection, pruning, &remains, start).await?;
    remove(start.seq).execute(&mut *connection).await.map_err(failed)?;
    Ok((end, remains.events()))
}

async fn remains(store: &Store, connection: &mut PgConnection, prune_seq: u64) -> Result<Remains, LogError> {
    let failed = |error| store.explain("prune", &error);
    let mut remains = Remains::default();
    let mut reached = 0;
    loop {
        let rows = sqlx::query(READ_LEFT)
            .bind(store.tenant.0.clone())
            .bind(to_sql(prune_seq))
            .bind(to_sql(reached))
            .bind(PIECE as i64)
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
        if rows.is_empty() {
            return Ok(remains);
        }
        for row in &rows {
            let left = left(row).map_err(|why| failed(sqlx::Error::Decode(why.into())))?;
            remains.take(&left);
            reached = left.seq;
        }
    }
}

/// What is left of an event; the error says what is wrong with it.
pub(super) fn left(row: &PgRow) -> Result<Left, String> {
    let column = |error: sqlx::Error| error.to_string();
    Ok(Left {
        seq: from_sql(row.try_get("seq").map_err(column)?),
        stream: stream_from_bytes(row.try_get("stream").map_err(column)?).ok_or("its stream is none")?,
        version: from_sql(row.try_get("version").map_err(column)?),
        at: row.try_get("at").map_err(column)?,
        prev: Link::from_bytes(row.try_get("prev").map_err(column)?).ok_or("its prev is no SHA-256")?,
        hash: Link::from_bytes(row.try_get("hash").map_err(column)?).ok_or("its hash is no SHA-256")?,
    })
}

/// The event that tells of it; its number is what keeps others from appending at the same time.
async fn tell(
    store: &Store,
    connection: &mut PgConnection,
    pruning: &Pruning,
    remains: &Remains,
    start: Place,
) -> Result<Place, LogError> {
    let stream = Stream::Account(AccountId::NOBODY);
    let last: i64 =
        sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM morningai.event WHERE tenant = $1 AND stream = $2")
            .bind(store.tenant.0.clone())
            .bind(stream_bytes(stream).to_vec())
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| store.explain("prune", &error))?;
    let told = NewEvent {
        stream,
        version: from_sql(last) + 1,
        at: pruning.at,
        by: pruning.by.clone(),
        event: remains.event(pruning),
    };
    let batch = Batch { after: start.seq, events: vec![told], ..Batch::default() };
    let sealing = store.seal.prepare(&mut Keys(store), start, (&batch.events, &[])).await?;
    let prepared = Prepared::new(&store.tenant, &sealing, start, batch)?;
    match prepared.query().execute(connection).await {
        Ok(_) => Ok(prepared.end),
        Err(error) => Err(why_refused(store, &prepared, &error).await),
    }
}

async fn remove_rows(connection: &mut PgConnection, tenant: &str, streams: &[Stream]) -> Result<(), sqlx::Error> {
    let named = |stream: &Stream| match stream {
        Stream::Run(id) => ("run".to_owned(), id.to_string()),
        Stream::Approval(id) => ("approval".to_owned(), id.to_string()),
        Stream::Account(id) => ("account".to_owned(), id.to_string()),
    };
    for some in streams.chunks(PIECE) {
        let (kinds, ids): (Vec<_>, Vec<_>) = some.iter().map(named).unzip();
        for table in ["projection", "listing"] {
            let remove = format!(
                "DELETE FROM morningai.{table} AS old USING unnest($2::text[], $3::text[]) AS gone (kind, id)
                 WHERE old.tenant = $1 AND old.kind = gone.kind AND old.id = gone.id"
            );
            let query = sqlx::query(AssertSqlSafe(remove)).bind(tenant.to_owned());
            query.bind(kinds.clone()).bind(ids.clone()).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// In a transaction of its own, since nobody can store an output meanwhile. What an earlier one left is gone with it.
async fn remove_outputs(
    store: &Store,
    connection: &mut PgConnection,
    pruning: &Pruning,
    end: Place,
) -> Result<OutputsPruned, sqlx::Error> {
    begin(store, connection).await?;
    sqlx::raw_sql(HOLD_OUTPUTS).execute(&mut *connection).await?;
    let is_held: bool =
        sqlx::query_scalar(IS_ANY_HELD).bind(store.tenant.0.clone()).fetch_one(&mut *connection).await?;
    let has_moved = read_place(connection, &store.tenant).await? != end;
    if is_held || has_moved {
        sqlx::raw_sql("ROLLBACK").execute(connection).await?;
        return Ok(OutputsPruned::LeftForTheNextTime);
    }
    let mut removed = 0;
    for some in pruning.outputs.chunks(PIECE) {
        let hashes: Vec<_> = some.iter().filter_map(|id| hex::decode(&id.0).ok()).collect();
        let done = sqlx::query("DELETE FROM morningai.blob WHERE tenant = $1 AND hash = ANY ($2)")
            .bind(store.tenant.0.clone())
            .bind(hashes)
            .execute(&mut *connection)
            .await?;
        removed += done.rows_affected();
    }
    sqlx::raw_sql("COMMIT").execute(connection).await?;
    Ok(OutputsPruned::Removed(removed))
}
