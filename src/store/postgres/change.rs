//! Changes of accounts: rows and the events that tell of them, in one transaction.
//!
//! A tenant's changes come one after the other, under a lock in the database. So what a change rests on cannot change
//! meanwhile; and whoever holds the lock knows that no earlier change is under way any more, not even one whose
//! connection was lost while it was committed: what became of that one can be looked up, and it is done again only if
//! it was not done.
//!
//! Such a change is not decided by where the log ends. When another process is faster with an event, the database says
//! in its answer where the log ends by now, and the events follow that one instead.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};
use tokio::time::timeout;

use super::append::{FIND_OUT, Prepared, unknown};
use super::ask::{ANSWER, ASK_AGAIN, Failure, How, LONG_ANSWER, answered};
use super::end::place;
use super::keys::Keys;
use super::pool::BackOff;
use super::store::Store;
use super::transaction::{Kind, begin};
use super::{access, error, keeper, watch};
use crate::domain::Tenant;
use crate::kinds::{Envelope, Stream};
use crate::ports::{AccessWrite, Batch, LogError, LogErrorKind, NewEvent};
use crate::store::chain::{Place, stream_bytes};
use crate::store::refusal;
use crate::store::stored::{first_of_each, from_sql, to_sql};

const DOING: &str = "change accounts in";

pub(super) const LOCK: &str = "SELECT pg_advisory_xact_lock($1)";
const END: &str = "SELECT last_seq, last_hash, last_versions FROM morningai.end_of_log($1, $2)";
const APPEND_OR_END: &str =
    "SELECT last_seq, last_hash, last_versions FROM morningai.append_or_end($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// What the log says of a change.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// The last of its events; `None` for a change that the log is told nothing of.
    pub end: Option<Place>,
    envelopes: Vec<Envelope>,
}

/// Runs in a task of its own: a caller that stops waiting must not leave the outcome in the dark.
pub(super) async fn append_with(
    store: &Arc<Store>,
    writes: Vec<AccessWrite>,
    events: Vec<NewEvent>,
) -> Result<Vec<Envelope>, LogError> {
    store.check_writable()?;
    let task = tokio::spawn(perform(Arc::clone(store), Change { writes, events }));
    task.await.unwrap_or_else(|stopped| Err(unknown(&store.place, &stopped.to_string())))
}

/// Rows to write, and what the log is to say of it.
struct Change {
    writes: Vec<AccessWrite>,
    events: Vec<NewEvent>,
}

/// Until it is done, refused, or what became of it cannot be found out.
async fn perform(store: Arc<Store>, change: Change) -> Result<Vec<Envelope>, LogError> {
    let mut doubt = None;
    let mut back_off = BackOff::new(ASK_AGAIN);
    loop {
        let was_sure = doubt.is_none();
        let late = |_| Err(store.failure(DOING, &sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())));
        let failure = match timeout(ANSWER, attempt(&store, &change, &mut doubt)).await.unwrap_or_else(late) {
            Ok(told) => return Ok(announce(&store, told)),
            Err(failure) => failure,
        };
        if was_sure && doubt.is_some() {
            back_off = BackOff::new(FIND_OUT);
        }
        // While nobody knows, waiting for the lock too is waiting for the earlier attempt to end.
        let may_pass = failure.may_pass || (doubt.is_some() && failure.error.kind == LogErrorKind::Busy);
        if may_pass && back_off.again().await {
            continue;
        }
        return Err(match doubt {
            None => failure.error,
            Some(_) => unknown(&store.place, &failure.error.message),
        });
    }
}

fn announce(store: &Arc<Store>, told: Told) -> Vec<Envelope> {
    if let Some(end) = told.end {
        store.listeners.announce(end.seq);
        watch::tell_others(store);
        keeper::head_moved(store);
    }
    told.envelopes
}

/// One transaction. `doubt` holds what an earlier one told the log, if it may have been committed; and what this one
/// did, from the moment on in which it may have been.
async fn attempt(store: &Store, change: &Change, doubt: &mut Option<Told>) -> Result<Told, Failure> {
    let failed = |error: sqlx::Error| store.failure(DOING, &error);
    let _turn = store.change_order.lock().await;
    let mut lent = store.readers.lend().await.map_err(Failure::to_connect)?;
    let mut transaction = begin(&mut lent.connection, &store.tenant, Kind::Write).await.map_err(failed)?;
    sqlx::query(LOCK).bind(lock_of(&store.tenant)).execute(&mut *transaction).await.map_err(failed)?;

    if let Some(end) = doubt.as_ref().and_then(|earlier| earlier.end) {
        let is_done = is_stored(&mut transaction, &store.tenant, end).await.map_err(failed)?;
        if let Some(earlier) = doubt.take_if(|_| is_done) {
            return Ok(earlier);
        }
        *doubt = None;
    }
    // Under the lock nobody is erased meanwhile, which is a change of accounts too.
    let sealing = store.seal.prepare_access(&mut Keys(store), store.read_end().await?, &change.writes).await?;
    for write in &change.writes {
        let rows = access::write(store, &mut transaction, &sealing, write).await?;
        refusal::unless_found(write, rows)?;
    }
    // From here on our own appends wait, instead of meeting us in the database.
    let mut known_end = store.end.lock().await;
    let before = known_end.take();
    let told = tell(store, &mut transaction, &change.events).await?;
    *doubt = Some(told.clone());
    if let Err(error) = transaction.commit().await {
        if !error::is_connection_lost(&error) {
            *doubt = None;
        }
        return Err(failed(error));
    }
    *doubt = None;
    if let Some(end) = told.end {
        store.seal.moved_to(end);
    }
    *known_end = told.end.or(before);
    lent.give_back();
    Ok(told)
}

/// A number for a tenant's lock. Two that share one by chance only wait for each other.
pub(super) fn lock_of(tenant: &Tenant) -> i64 {
    let digest = Sha256::digest(format!("morningai accounts of {}", tenant.0));
    let first = digest.first_chunk().copied().unwrap_or_default();
    i64::from_be_bytes(first)
}

/// Whether the log goes on to exactly this event, told by its hash, which answers for all before it.
async fn is_stored(connection: &mut PgConnection, tenant: &Tenant, end: Place) -> Result<bool, sqlx::Error> {
    let row = sqlx::query("SELECT hash FROM morningai.event WHERE tenant = $1 AND seq = $2")
        .bind(&tenant.0)
        .bind(to_sql(end.seq))
        .fetch_optional(connection)
        .await?;
    row.map_or(Ok(false), |row| Ok(row.try_get::<&[u8], _>(0)? == end.link.bytes()))
}

/// Where events can follow.
struct End {
    place: Place,
    /// The last version of each stream that was asked for.
    versions: Vec<i64>,
}

/// Appends within the transaction that is open, after whatever is the last event by then. From then to its end, whoever
/// else appends waits.
pub(super) async fn tell(store: &Store, connection: &mut PgConnection, events: &[NewEvent]) -> Result<Told, Failure> {
    if events.is_empty() {
        return Ok(Told::default());
    }
    let failed = |error: sqlx::Error| store.failure(DOING, &error);
    let streams = first_of_each(events);
    let names: Vec<_> = streams.keys().map(|stream| stream_bytes(*stream).to_vec()).collect();
    let asked = sqlx::query(END).bind(&store.tenant.0).bind(names);
    let asked = answered(LONG_ANSWER, asked.fetch_one(&mut *connection)).await;
    let mut known = end(&asked.map_err(failed)?).map_err(failed)?;
    loop {
        for ((stream, version), last) in streams.iter().zip(&known.versions) {
            refusal::unless_next(*stream, *version, from_sql(*last))?;
        }
        let batch = Batch { after: known.place.seq, events: events.to_vec(), ..Batch::default() };
        let sealing = store.seal.prepare(&mut Keys(store), known.place, (&batch.events, &[])).await?;
        let prepared = Prepared::new(&store.tenant, &sealing, known.place, batch)?;
        let answer = prepared.bind_events(sqlx::query(APPEND_OR_END)).fetch_one(&mut *connection);
        let answer = answered(LONG_ANSWER, answer).await.map_err(failed)?;
        let is_appended = answer.try_get::<Option<i64>, _>(0).map_err(failed)?.is_none();
        if is_appended {
            return Ok(Told { end: Some(prepared.end), envelopes: prepared.envelopes });
        }
        known = end(&answer).map_err(failed)?;
    }
}

fn end(row: &PgRow) -> Result<End, sqlx::Error> {
    Ok(End { place: place(row)?, versions: row.try_get(2)? })
}

/// The last version of a stream; 0 for one that is empty.
pub(super) async fn last_version(store: &Store, stream: Stream) -> Result<u64, LogError> {
    let question = || {
        let sql = "SELECT coalesce(max(version), 0) FROM morningai.event WHERE tenant = $1 AND stream = $2";
        sqlx::query(sql).bind(store.tenant.0.clone()).bind(stream_bytes(stream).to_vec())
    };
    let rows = store.ask(How::Reading, "read", question).await?;
    Ok(rows.first().and_then(|row| row.try_get(0).ok()).map_or(0, from_sql))
}
