//! Pruning: one transaction that moves what is to be left of events, tells of it in the log, and removes the rest. And
//! one that removes outputs.

use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::end::{last_version, read_place};
use super::store::Store;
use super::{append, keeper, leases};
use crate::kinds::{AccessEvent, Stream};
use crate::ports::{LogError, LogErrorKind, NewEvent, Pruning, StoredOutput};
use crate::store::chain::{Link, Place, stream_bytes, stream_from_bytes};
use crate::store::pruning::{Left, OutputsPruned, Remains};
use crate::store::refusal;
use crate::store::stored::{from_sql, to_sql};

/// Names and rows handled at a time.
const PIECE: usize = 1_000;

const NAME_STREAMS: &str = "INSERT OR IGNORE INTO temp.pruning
     SELECT unhex(value ->> 0), value ->> 1, unhex(value ->> 2) FROM json_each($1)";

/// The hash of a row is what the next one carries, or the head after the last.
const LEAVE: &str = "
    INSERT INTO pruned (tenant, seq, stream, version, at, prev, hash, prune_seq)
    SELECT $1, gone.seq, gone.stream, gone.version, gone.at, gone.prev, coalesce(
        (SELECT prev FROM event AS next WHERE next.tenant = $1 AND next.seq = gone.seq + 1),
        (SELECT prev FROM pruned AS next WHERE next.tenant = $1 AND next.seq = gone.seq + 1),
        (SELECT hash FROM head WHERE head.tenant = $1 AND head.seq = gone.seq)), $2
    FROM event AS gone WHERE gone.tenant = $1 AND gone.stream IN (SELECT stream FROM temp.pruning)";

/// What that would be.
const READ_REMAINS: &str = "
    SELECT gone.seq, gone.stream, gone.version, gone.at, gone.prev, coalesce(
        (SELECT prev FROM event AS next WHERE next.tenant = $1 AND next.seq = gone.seq + 1),
        (SELECT prev FROM pruned AS next WHERE next.tenant = $1 AND next.seq = gone.seq + 1),
        (SELECT hash FROM head WHERE head.tenant = $1 AND head.seq = gone.seq)) AS hash
    FROM event AS gone WHERE gone.tenant = $1 AND gone.stream IN (SELECT unhex(value) FROM json_each($2))
    ORDER BY gone.seq";

const READ_LEFT: &str = "SELECT seq, stream, version, at, prev, hash FROM pruned
     WHERE tenant = $1 AND prune_seq = $2 AND seq > $3 ORDER BY seq LIMIT $4";

const REMOVE_ROWS: &str =
    "DELETE FROM projection WHERE tenant = $1 AND (kind, id) IN (SELECT kind, id FROM temp.pruning)";

const REMOVE_EVENTS: &str = "DELETE FROM event WHERE tenant = $1 AND stream IN (SELECT stream FROM temp.pruning)";

const REMOVE_OUTPUTS: &str = "DELETE FROM blob WHERE tenant = $1 AND hash IN (SELECT unhex(value) FROM json_each($2))";

/// What the log is to tell of what is left.
pub(super) async fn remains(store: &Store, pruning: &Pruning) -> Result<AccessEvent, LogError> {
    let failed = |error| store.explain("prune", &error);
    let names = json(pruning.streams.iter().map(|stream| hex::encode(stream_bytes(*stream))));
    let read = sqlx::query(READ_REMAINS).bind(store.tenant.0.clone()).bind(names);
    let mut remains = Remains::default();
    for row in &read.fetch_all(&store.readers).await.map_err(failed)? {
        remains.take(&left(row).map_err(|why| failed(sqlx::Error::Decode(why.into())))?);
    }
    remains.event(pruning)
}

/// In a task of its own, as an append: a caller that stops waiting must not leave a transaction half done.
pub(super) async fn prune(store: &Arc<Store>, pruning: Pruning, told: NewEvent) -> Result<(), LogError> {
    let store = Arc::clone(store);
    to_its_end(async move {
        let mut writer = store.writer().await?;
        begin(&store, &mut writer.connection).await?;
        let done = within(&store, &mut writer.connection, &pruning, told).await;
        let end = finish(&store, &mut writer.connection, done).await?;
        drop(writer);
        store.listeners.announce(end.seq);
        keeper::head_moved(&store);
        Ok(())
    })
    .await
}

/// Removes outputs that nothing names in the log as it ended at `after`; `Conflict` when it has moved on.
pub(super) async fn prune_outputs(
    store: &Arc<Store>,
    after: u64,
    outputs: Vec<StoredOutput>,
) -> Result<OutputsPruned, LogError> {
    let store = Arc::clone(store);
    to_its_end(async move {
        let mut writer = store.writer().await?;
        begin(&store, &mut writer.connection).await?;
        let done = remove_outputs(&store, &mut writer.connection, after, &outputs).await;
        finish(&store, &mut writer.connection, done).await
    })
    .await
}

async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, LogError>> + Send + 'static,
) -> Result<T, LogError> {
    let stopped =
        |error| LogError::new(LogErrorKind::NotSaved, format!("the pruning was cut short: {error}"), "repeat it");
    tokio::spawn(work).await.map_err(stopped)?
}

async fn begin(store: &Store, connection: &mut SqliteConnection) -> Result<(), LogError> {
    let begun = sqlx::raw_sql("PRAGMA synchronous = FULL; BEGIN IMMEDIATE").execute(connection).await;
    begun.map(drop).map_err(|error| store.explain("prune", &error))
}

/// Commits what is done, or takes it back.
async fn finish<T>(store: &Store, connection: &mut SqliteConnection, done: Result<T, LogError>) -> Result<T, LogError> {
    let committed = match done {
        Ok(done) => {
            let committed = sqlx::raw_sql("COMMIT").execute(&mut *connection).await;
            committed.map(|_| done).map_err(|error| store.explain("prune", &error))
        }
        Err(error) => Err(error),
    };
    if committed.is_err() {
        // Refused when SQLite has rolled back by itself; either way no transaction is open afterwards.
        let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
    }
    committed
}

async fn within(
    store: &Store,
    connection: &mut SqliteConnection,
    pruning: &Pruning,
    told: NewEvent,
) -> Result<Place, LogError> {
    let failed = |error| store.explain("prune", &error);
    let start = read_place(connection, &store.tenant).await.map_err(failed)?;
    name_streams(connection, &pruning.streams).await.map_err(failed)?;
    let prune_seq = start.seq + 1;
    let leave = sqlx::query(LEAVE).bind(store.tenant.0.clone()).bind(to_sql(prune_seq));
    leave.execute(&mut *connection).await.map_err(failed)?;
    left_at(store, connection, prune_seq).await?.check(pruning, &told.event)?;
    refusal::unless_next(told.stream, told.version, last_version(store, connection, told.stream).await?)?;
    let (end, _) = append::append_within(store, connection, start, vec![told]).await?;
    for statement in [REMOVE_ROWS, REMOVE_EVENTS] {
        sqlx::query(statement).bind(store.tenant.0.clone()).execute(&mut *connection).await.map_err(failed)?;
    }
    sqlx::raw_sql("DROP TABLE temp.pruning").execute(connection).await.map_err(failed)?;
    Ok(end)
}

async fn name_streams(connection: &mut SqliteConnection, streams: &[Stream]) -> Result<(), sqlx::Error> {
    let make = "DROP TABLE IF EXISTS temp.pruning;
        CREATE TEMP TABLE pruning (stream BLOB PRIMARY KEY, kind TEXT, id BLOB) WITHOUT ROWID";
    sqlx::raw_sql(make).execute(&mut *connection).await?;
    for some in streams.chunks(PIECE) {
        let names = some.iter().map(|stream| {
            let (kind, id) = stream.parts();
            [hex::encode(stream_bytes(*stream)), kind.to_owned(), hex::encode(id.as_bytes())]
        });
        sqlx::query(NAME_STREAMS).bind(json(names)).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn left_at(store: &Store, connection: &mut SqliteConnection, prune_seq: u64) -> Result<Remains, LogError> {
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
pub(super) fn left(row: &SqliteRow) -> Result<Left, String> {
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

async fn remove_outputs(
    store: &Store,
    connection: &mut SqliteConnection,
    after: u64,
    outputs: &[StoredOutput],
) -> Result<OutputsPruned, LogError> {
    let failed = |error| store.explain("prune", &error);
    let end = read_place(connection, &store.tenant).await.map_err(failed)?;
    if end.seq != after {
        return Err(refusal::conflict(after, end.seq));
    }
    if leases::is_any_held(store, connection).await.map_err(failed)? {
        return Ok(OutputsPruned::LeftForTheNextTime);
    }
    let names = json(outputs.iter().map(|output| hex::encode(&output.0)));
    let remove = sqlx::query(REMOVE_OUTPUTS).bind(store.tenant.0.clone()).bind(names);
    let removed = remove.execute(connection).await.map_err(failed)?;
    Ok(OutputsPruned::Removed(removed.rows_affected()))
}

fn json<T: Into<serde_json::Value>>(names: impl Iterator<Item = T>) -> String {
    serde_json::Value::from_iter(names).to_string()
}
