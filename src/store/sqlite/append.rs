//! Appending: one transaction and one fsync, for any number of events and rows.
//!
//! All of it happens in one visit to the connection that appends. The transaction first looks where the log ends and
//! whether all fences are held; where that is not as whoever decided believed, nothing of it happens.

use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use sqlx::SqliteConnection;

use super::answers;
use super::end::{place, read_place};
use super::keeper;
use super::keys::Keys;
use super::refused::Refused;
use super::rows::put_row;
use super::store::Store;
use crate::domain::{RunId, Tenant};
use crate::kinds::Envelope;
use crate::ports::{Batch, Fence, LogError, NewEvent};
use crate::store::chain::{Link, Place, stream_bytes};
use crate::store::refusal;
use crate::store::seal::{Seal, Sealing};
use crate::store::stored::{Chained, chain_on, to_sql};

const PUT_EVENT: &str = "
    INSERT INTO event (tenant, seq, stream, version, at, actor, prev, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const MOVE_HEAD: &str = "
    INSERT INTO head (tenant, seq, hash) VALUES ($1, $2, $3)
    ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, hash = excluded.hash";

const IS_HELD: &str = "SELECT 1 FROM lease WHERE tenant = $1 AND run = $2 AND token = $3 AND owner <> ''";

pub(super) async fn append(store: &Arc<Store>, batch: Batch) -> Result<Vec<Envelope>, LogError> {
    if batch.events.is_empty() && batch.rows.is_empty() && batch.answers.is_empty() {
        return Ok(Vec::new());
    }
    let mut writer = store.writer().await?;
    let start = expected_place(store, &mut writer.connection, batch.after).await?;
    if start.seq != batch.after {
        store.listeners.announce(start.seq);
        return Err(refusal::conflict(batch.after, start.seq));
    }
    let keys = &mut Keys::of(store, &mut writer.connection);
    let sealing = store.seal.prepare(keys, start, (&batch.events, &batch.rows)).await?;
    let theirs = Arc::clone(store);
    let appended = writer.appender.perform(move |connection| {
        let outcome = append_all(connection, &theirs.tenant, &sealing, batch);
        match &outcome {
            Ok((end, _)) => {
                theirs.seal.moved_to(*end);
                theirs.listeners.announce(end.seq);
            }
            // Another process may have written since whoever decided looked: let them read on.
            Err(Refused::Moved { to, .. }) => theirs.listeners.announce(*to),
            Err(_) => {}
        }
        outcome
    });
    match appended.await? {
        Ok((_, envelopes)) => {
            drop(writer);
            keeper::head_moved(store);
            Ok(envelopes)
        }
        Err(refused) => Err(refused.explain(store, "append to")),
    }
}

/// Where keys are to be looked over, the log is asked where it ends; the number alone is enough for one in clear.
async fn expected_place(store: &Store, connection: &mut SqliteConnection, after: u64) -> Result<Place, LogError> {
    match &store.seal {
        Seal::Plain => Ok(Place { seq: after, link: Link::NONE }),
        Seal::Sealed(_) => {
            let read = read_place(connection, &store.tenant).await;
            read.map_err(|error| store.explain("read the head of", &error))
        }
    }
}

/// Appends within the transaction that is open on the other connection that writes, after `start`, which was read in it. The head moves for others once it
/// is committed: the end, and what the events became.
pub(super) async fn append_within(
    store: &Store,
    connection: &mut SqliteConnection,
    start: Place,
    events: Vec<NewEvent>,
) -> Result<(Place, Vec<Envelope>), LogError> {
    let failed = |error| store.explain("append to", &error);
    let sealing = store.seal.prepare(&mut Keys::of(store, connection), start, (&events, &[])).await?;
    let (chained, end) = chain_on(&store.tenant, &sealing, start, events)?;
    let mut envelopes = Vec::with_capacity(chained.len());
    for Chained { envelope, at, actor, body, prev, .. } in chained {
        sqlx::query(PUT_EVENT)
            .bind(store.tenant.0.clone())
            .bind(to_sql(envelope.seq))
            .bind(stream_bytes(envelope.stream).to_vec())
            .bind(to_sql(envelope.version))
            .bind(at)
            .bind(actor)
            .bind(prev.bytes().to_vec())
            .bind(body)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
        envelopes.push(envelope);
    }
    sqlx::query(MOVE_HEAD)
        .bind(store.tenant.0.clone())
        .bind(to_sql(end.seq))
        .bind(end.link.bytes().to_vec())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    Ok((end, envelopes))
}

/// The transaction is rolled back on the way out unless it was committed.
fn append_all(
    connection: &mut Connection,
    tenant: &Tenant,
    sealing: &Sealing,
    batch: Batch,
) -> Result<(Place, Vec<Envelope>), Refused> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let start = place(&transaction, tenant)?;
    if start.seq != batch.after {
        return Err(Refused::Moved { from: batch.after, to: start.seq });
    }
    let lost = lost_fences(&transaction, tenant, &batch.fences)?;
    if !lost.is_empty() {
        return Err(Refused::Fenced(lost));
    }
    let (chained, end) = chain_on(tenant, sealing, start, batch.events).map_err(Refused::Unwritable)?;
    let envelopes = put_events(&transaction, tenant, chained)?;
    for row in &batch.rows {
        put_row(&transaction, tenant, sealing, row)?;
    }
    answers::put(&transaction, tenant, &batch.answers)?;
    transaction.prepare_cached(MOVE_HEAD)?.execute(params![tenant.0, to_sql(end.seq), end.link.bytes()])?;
    transaction.commit()?;
    Ok((end, envelopes))
}

/// The runs whose lease is no longer the one that the fence names.
fn lost_fences(transaction: &Transaction<'_>, tenant: &Tenant, fences: &[Fence]) -> rusqlite::Result<Vec<RunId>> {
    let mut is_held = transaction.prepare_cached(IS_HELD)?;
    let mut lost = Vec::new();
    for fence in fences {
        if !is_held.exists(params![tenant.0, fence.run.0.as_bytes(), to_sql(fence.token)])? {
            lost.push(fence.run);
        }
    }
    Ok(lost)
}

fn put_events(
    transaction: &Transaction<'_>,
    tenant: &Tenant,
    chained: Vec<Chained>,
) -> rusqlite::Result<Vec<Envelope>> {
    let mut put = transaction.prepare_cached(PUT_EVENT)?;
    let mut envelopes = Vec::with_capacity(chained.len());
    for Chained { envelope, at, actor, body, prev, .. } in chained {
        let (seq, version) = (to_sql(envelope.seq), to_sql(envelope.version));
        let stream = stream_bytes(envelope.stream);
        put.execute(params![tenant.0, seq, stream, version, at, actor, prev.bytes(), body])?;
        envelopes.push(envelope);
    }
    Ok(envelopes)
}
