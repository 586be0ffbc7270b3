//! Appending: one transaction, one trip to the SQLite thread, one fsync, for any number of events and rows.
//!
//! The whole transaction is one text of prepared statements, so a batch costs the same hops between threads
//! whatever its size. Its lists travel as JSON of small values, beside one byte string that holds all bodies, cut
//! apart inside SQLite: bodies are thus never escaped nor parsed. The first statement moves the head from where we
//! believe it to be, with all fences held, to the new place; where that is not so it writes NULL, which the column
//! refuses, and nothing of the transaction happens.

use std::mem::take;
use std::sync::Arc;

use sqlx::Row as _;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::Store;
use super::Writer;
use super::error::is_null_refused;
use super::keeper;
use super::keys::Keys;
use super::read_place;
use super::rows::Packed;
use super::rows::pack_rows;
use crate::domain::Envelope;
use crate::domain::RunId;
use crate::domain::Tenant;
use crate::ports::Batch;
use crate::ports::LogError;
use crate::ports::LogErrorKind;
use crate::ports::NewEvent;
use crate::store::chain::Place;
use crate::store::chain::stream_bytes;
use crate::store::refusal;
use crate::store::seal::Sealing;
use crate::store::stored::Chained;
use crate::store::stored::chain_on;
use crate::store::stored::to_sql;

/// Fences in $6 that no lease in force bears out; $1 is the tenant.
macro_rules! lost_fences {
    () => {
        "SELECT unhex(fence.value ->> 0) FROM json_each($6) AS fence
         LEFT JOIN lease ON lease.tenant = $1 AND lease.run = unhex(fence.value ->> 0)
             AND lease.token = fence.value ->> 1 AND lease.owner <> ''
         WHERE lease.run IS NULL"
    };
}

/// $1 tenant · $2, $3 head expected · $4, $5 head after · $6 fences · $7, $8 events, bodies · $9, $10 rows, bodies.
/// Named `$n`, which SQLite numbers by appearance: sqlx miscounts the gaps that `?n` leaves in later statements.
macro_rules! statements {
    () => {
        concat!(
            "INSERT INTO head (tenant, seq, hash)
     SELECT $1, iif(coalesce(known.seq, 0) = $2 AND coalesce(known.hash, x'') = $3 AND NOT EXISTS (",
            lost_fences!(),
            "), $4, NULL), $5
     FROM (SELECT 1) LEFT JOIN head AS known ON known.tenant = $1 WHERE true
     ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, hash = excluded.hash;
     INSERT INTO event (tenant, seq, stream, version, at, actor, prev, body)
     SELECT $1, $2 + new.key + 1, unhex(new.value ->> 0), new.value ->> 1, new.value ->> 2, new.value ->> 3,
         unhex(new.value ->> 4), CAST(substr($8, new.value ->> 5, new.value ->> 6) AS TEXT)
     FROM json_each($7) AS new;",
            super::rows::put_rows!("$9", "$10")
        )
    };
}

/// A transaction of its own.
const APPEND: &str = concat!("PRAGMA synchronous = FULL; BEGIN IMMEDIATE; ", statements!(), ";COMMIT");

/// A part of the transaction that is open.
const APPEND_WITHIN: &str = statements!();

/// Runs in a task of its own: a caller that stops waiting must not leave a transaction half done.
pub(super) async fn append(store: &Arc<Store>, batch: Batch) -> Result<Vec<Envelope>, LogError> {
    if batch.events.is_empty() && batch.rows.is_empty() {
        return Ok(Vec::new());
    }
    let task = tokio::spawn(perform(Arc::clone(store), batch));
    let stopped =
        |error| LogError::new(LogErrorKind::NotSaved, format!("the append was cut short: {error}"), "repeat it");
    task.await.map_err(stopped)?
}

async fn perform(store: Arc<Store>, batch: Batch) -> Result<Vec<Envelope>, LogError> {
    let mut writer = store.writer().await?;
    let start = place_to_append(&store, &mut writer).await?;
    if start.seq != batch.after {
        // Another process may have written since we looked, in either direction of doubt: let the caller read on.
        writer.head = None;
        store.announce(start.seq);
        return Err(refusal::conflict(batch.after, start.seq));
    }
    let mut keys = Keys::of(&store, &mut writer.connection);
    let sealing = store.seal.prepare(&mut keys, start, (&batch.events, &batch.rows)).await?;
    let mut prepared = Prepared::new(&store.tenant, &sealing, start, batch)?;
    match prepared.perform(APPEND, &store.tenant, start, &mut writer.connection).await {
        Ok(()) => {
            writer.head = Some(prepared.end);
            store.seal.moved_to(prepared.end);
            drop(writer);
            store.announce(prepared.end.seq);
            keeper::head_moved(&store);
            Ok(prepared.envelopes)
        }
        Err(error) => {
            writer.head = None;
            // Refused when SQLite has rolled back by itself; either way no transaction is open afterwards.
            let _ = sqlx::raw_sql("ROLLBACK").execute(&mut writer.connection).await;
            Err(why_refused(&store, &mut writer.connection, &prepared, start, &error).await)
        }
    }
}

/// Appends within the transaction that is open on the connection, after `start`, which was read in it. The head moves
/// for others once it is committed: the end, and what the events became.
pub(super) async fn append_within(
    store: &Store,
    connection: &mut SqliteConnection,
    start: Place,
    events: Vec<NewEvent>,
) -> Result<(Place, Vec<Envelope>), LogError> {
    let batch = Batch { after: start.seq, events, ..Batch::default() };
    let sealing = store.seal.prepare(&mut Keys::of(store, connection), start, (&batch.events, &batch.rows)).await?;
    let mut prepared = Prepared::new(&store.tenant, &sealing, start, batch)?;
    let done = prepared.perform(APPEND_WITHIN, &store.tenant, start, connection).await;
    done.map_err(|error| store.explain("append to", &error))?;
    Ok((prepared.end, prepared.envelopes))
}

async fn place_to_append(store: &Store, writer: &mut Writer) -> Result<Place, LogError> {
    match writer.head {
        Some(place) => Ok(place),
        None => {
            let read = read_place(&mut writer.connection, &store.tenant).await;
            let place = read.map_err(|error| store.explain("read the head of", &error))?;
            writer.head = Some(place);
            Ok(place)
        }
    }
}

/// A batch as it will be stored.
struct Prepared {
    envelopes: Vec<Envelope>,
    end: Place,
    fences: String,
    events: Packed,
    rows: Packed,
}

impl Prepared {
    fn new(tenant: &Tenant, sealing: &Sealing, start: Place, batch: Batch) -> Result<Self, LogError> {
        let fences: Vec<_> = batch.fences.iter().map(|fence| (fence.run.0.simple(), fence.token)).collect();
        let (chained, end) = chain_on(tenant, sealing, start, batch.events)?;
        let mut events = Packed::default();
        let mut envelopes = Vec::with_capacity(chained.len());
        for Chained { envelope, at, actor, body, prev, .. } in chained {
            let stream = hex::encode(stream_bytes(envelope.stream));
            events.push(&body, |from, length| (stream, envelope.version, at, actor, prev.to_string(), from, length));
            envelopes.push(envelope);
        }
        Ok(Self { envelopes, end, fences: as_json(&fences), events, rows: pack_rows(sealing, &batch.rows)? })
    }

    /// Once: the bodies move into SQLite.
    async fn perform(
        &mut self,
        statements: &'static str,
        tenant: &Tenant,
        start: Place,
        connection: &mut SqliteConnection,
    ) -> Result<(), sqlx::Error> {
        let (events, event_bodies) = take(&mut self.events).into_parts();
        let (rows, row_bodies) = take(&mut self.rows).into_parts();
        sqlx::query(statements)
            .bind(tenant.0.clone())
            .bind(to_sql(start.seq))
            .bind(start.link.bytes().to_vec())
            .bind(to_sql(self.end.seq))
            .bind(self.end.link.bytes().to_vec())
            .bind(self.fences.clone())
            .bind(events)
            .bind(event_bodies)
            .bind(rows)
            .bind(row_bodies)
            .execute(connection)
            .await?;
        Ok(())
    }
}

async fn why_refused(
    store: &Store,
    connection: &mut SqliteConnection,
    prepared: &Prepared,
    start: Place,
    error: &sqlx::Error,
) -> LogError {
    if !is_null_refused(error) {
        return store.explain("append to", error);
    }
    match read_place(connection, &store.tenant).await {
        Ok(now) if now != start => {
            store.announce(now.seq);
            refusal::conflict(start.seq, now.seq)
        }
        Ok(_) => fenced(store, connection, prepared).await,
        Err(error) => store.explain("read the head of", &error),
    }
}

async fn fenced(store: &Store, connection: &mut SqliteConnection, prepared: &Prepared) -> LogError {
    // The fences stay $6, the tenant $1.
    let mut query = sqlx::query(lost_fences!()).bind(store.tenant.0.clone());
    for _ in 2..6 {
        query = query.bind(None::<i64>);
    }
    let lost = query.bind(prepared.fences.clone()).fetch_all(connection).await.unwrap_or_default();
    let runs: Vec<_> =
        lost.iter().filter_map(|row| Uuid::from_slice(row.try_get::<&[u8], _>(0).ok()?).ok()).map(RunId).collect();
    refusal::fenced(&runs)
}

fn as_json<T: serde::Serialize>(value: &T) -> String {
    // Lists of numbers and texts always serialize; should that change, SQLite refuses the empty text as JSON.
    serde_json::to_string(value).unwrap_or_default()
}
