//! Appending: one call of one function in the database, so one round trip and one commit for any number of events.
//!
//! A connection that is lost meanwhile leaves the outcome unknown. Then the same call is made again: the number each
//! event takes is the key of its row, so a call that finds its own events there knows that they were saved, and one
//! that is still under way somewhere is waited for. Nothing that was saved is ever reported as not saved.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Postgres, Row as _};
use tokio::time::timeout;
use uuid::Uuid;

use super::ask::{ANSWER, How};
use super::error::raised;
use super::keys::Keys;
use super::pool::BackOff;
use super::store::Store;
use super::{answers, end, error, keeper, watch};
use crate::domain::{RunId, Tenant};
use crate::kinds::{Envelope, Row};
use crate::ports::{Answered, Batch, Fence, LogError, LogErrorKind};
use crate::store::chain::{Place, stream_bytes};
use crate::store::refusal;
use crate::store::seal::Sealing;
use crate::store::stored::{chain_on, to_sql};

/// How long to try to find out what became of an append.
pub(super) const FIND_OUT: Duration = Duration::from_secs(15);

const APPEND: &str =
    "SELECT morningai.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
    $21, $22, $23, $24)";

/// Runs in a task of its own: a caller that stops waiting must not leave the outcome in the dark.
pub(super) async fn append(store: &Arc<Store>, batch: Batch) -> Result<Vec<Envelope>, LogError> {
    if batch.events.is_empty() && batch.rows.is_empty() && batch.answers.is_empty() {
        return Ok(Vec::new());
    }
    store.check_writable()?;
    let task = tokio::spawn(perform(Arc::clone(store), batch));
    task.await.unwrap_or_else(|stopped| Err(unknown(&store.place, &stopped.to_string())))
}

async fn perform(store: Arc<Store>, batch: Batch) -> Result<Vec<Envelope>, LogError> {
    let mut end = store.end.lock().await;
    let start = match (end.take(), store.seen.at(batch.after)) {
        (Some(known), _) if known.seq > batch.after => known,
        // What the batch was decided on. The database refuses it where another event has that place by now.
        (_, Some(read)) => read,
        (Some(known), None) if known.seq == batch.after => known,
        _ => end::read_end(&store).await?,
    };
    if start.seq != batch.after {
        store.listeners.announce(start.seq);
        return Err(refusal::conflict(batch.after, start.seq));
    }
    let sealing = store.seal.prepare(&mut Keys(&store), start, (&batch.events, &batch.rows)).await?;
    let prepared = Prepared::new(&store.tenant, &sealing, start, batch)?;
    save(&store, &prepared).await?;
    store.seal.moved_to(prepared.end);
    *end = Some(prepared.end);
    store.seen.note(prepared.end);
    drop(end);
    store.listeners.announce(prepared.end.seq);
    watch::tell_others(&store);
    keeper::head_moved(&store);
    Ok(prepared.envelopes)
}

/// Until it is saved, refused, or its outcome cannot be found out.
async fn save(store: &Store, prepared: &Prepared) -> Result<(), LogError> {
    let mut back_off = BackOff::new(FIND_OUT);
    let mut doubt: Option<String> = None;
    loop {
        let mut lent = match store.appender.lend().await {
            Ok(lent) => lent,
            Err(error) if doubt.is_none() => return Err(error),
            Err(error) => {
                if !back_off.again().await {
                    return Err(unknown(&store.place, &error.message));
                }
                continue;
            }
        };
        let error = match timeout(ANSWER, prepared.query().execute(&mut lent.connection)).await {
            Ok(Ok(_)) => {
                lent.give_back();
                return Ok(());
            }
            Ok(Err(error)) => error,
            Err(_) => sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()),
        };
        let (is_lost, is_read_only) = (error::is_connection_lost(&error), error::is_read_only(&error));
        if is_lost || is_read_only {
            // The connection is dropped here; a server that only reads has saved nothing, one that is gone may have.
            drop(lent);
            if is_lost {
                doubt = Some(error::reason(&error));
            }
            if back_off.again().await {
                continue;
            }
        } else {
            lent.give_back();
        }
        match doubt {
            None => return Err(why_refused(store, prepared, &error).await),
            Some(why) => match settle(store, prepared, &error, &why).await {
                Settled::Saved => return Ok(()),
                Settled::Refused(error) => return Err(error),
                Settled::StillOpen => {
                    doubt = Some(why);
                    if !back_off.again().await {
                        return Err(unknown(&store.place, &error::reason(&error)));
                    }
                }
            },
        }
    }
}

enum Settled {
    Saved,
    Refused(LogError),
    StillOpen,
}

/// What became of an earlier call, now that a later one was answered with `error`.
async fn settle(store: &Store, prepared: &Prepared, error: &sqlx::Error, why: &str) -> Settled {
    // Not decided yet: the earlier one may hold the place, or the server is not back.
    if error::judge(error).0 == LogErrorKind::Busy {
        return Settled::StillOpen;
    }
    match is_stored(store, prepared).await {
        // A server that came back shows what its standby may not have yet; a later commit waits for all before it.
        Ok(true) => match keeper::write_row(store, &prepared.end.into()).await {
            Ok(()) => Settled::Saved,
            Err(_) => Settled::Refused(unknown(&store.place, why)),
        },
        // The later call came to the place itself, so the earlier one is over.
        Ok(false) => Settled::Refused(why_refused(store, prepared, error).await),
        Err(_) => Settled::Refused(unknown(&store.place, why)),
    }
}

/// Whether the log holds exactly these events, told by the hash of the last, which answers for all before it. Without
/// any, a request is remembered that came to nothing.
async fn is_stored(store: &Store, prepared: &Prepared) -> Result<bool, LogError> {
    if let (true, Some(answer)) = (prepared.envelopes.is_empty(), prepared.answers.first()) {
        let found = answers::find(store, &answer.key).await?;
        return Ok(found.is_some_and(|found| (found.key, found.first) == (answer.key, answer.first)));
    }
    let question = || {
        sqlx::query("SELECT hash FROM morningai.event WHERE tenant = $1 AND seq = $2")
            .bind(store.tenant.0.clone())
            .bind(to_sql(prepared.end.seq))
    };
    let rows = store.ask(How::Reading, "read", question).await?;
    let hash = rows.first().and_then(|row| row.try_get::<&[u8], _>(0).ok());
    Ok(!prepared.envelopes.is_empty() && hash == Some(prepared.end.link.bytes()))
}

/// A batch as it will be stored, column by column.
pub(super) struct Prepared {
    pub envelopes: Vec<Envelope>,
    tenant: String,
    start: Place,
    pub end: Place,
    streams: Vec<Vec<u8>>,
    versions: Vec<i64>,
    times: Vec<i64>,
    actors: Vec<String>,
    hashes: Vec<Vec<u8>>,
    bodies: Vec<String>,
    rows: RowColumns,
    fenced_runs: Vec<Vec<u8>>,
    fence_tokens: Vec<i64>,
    answers: Vec<Answered>,
}

impl Prepared {
    pub fn new(tenant: &Tenant, sealing: &Sealing, start: Place, batch: Batch) -> Result<Self, LogError> {
        let (chained, end) = chain_on(tenant, sealing, start, batch.events)?;
        let (fenced_runs, fence_tokens) = batch.fences.iter().map(fence_columns).unzip();
        let mut prepared = Self {
            envelopes: Vec::with_capacity(chained.len()),
            tenant: tenant.0.clone(),
            start,
            end,
            streams: Vec::new(),
            versions: Vec::new(),
            times: Vec::new(),
            actors: Vec::new(),
            hashes: Vec::new(),
            bodies: Vec::new(),
            rows: RowColumns::of(sealing, batch.rows)?,
            fenced_runs,
            fence_tokens,
            answers: batch.answers,
        };
        for event in chained {
            prepared.streams.push(stream_bytes(event.envelope.stream).to_vec());
            prepared.versions.push(to_sql(event.envelope.version));
            prepared.times.push(event.at);
            prepared.actors.push(event.actor);
            prepared.hashes.push(event.link.bytes().to_vec());
            prepared.bodies.push(event.body);
            prepared.envelopes.push(event.envelope);
        }
        Ok(prepared)
    }

    pub fn query(&self) -> Query<'_, Postgres, PgArguments> {
        let query = self.bind_events(sqlx::query(APPEND));
        let query = self.rows.bind(query).bind(&self.fenced_runs).bind(&self.fence_tokens);
        let answers = self.answers.iter();
        query
            .bind(answers.clone().map(|answer| answer.key.key.to_vec()).collect::<Vec<_>>())
            .bind(answers.clone().map(|answer| answer.key.asked.to_vec()).collect::<Vec<_>>())
            .bind(answers.clone().map(|answer| to_sql(answer.first)).collect::<Vec<_>>())
            .bind(answers.clone().map(|answer| i64::from(answer.events)).collect::<Vec<_>>())
            .bind(answers.map(|answer| answer.at.timestamp_micros()).collect::<Vec<_>>())
    }

    /// Nine parameters: the tenant, number and hash of the event before, and six columns.
    pub fn bind_events<'q>(&'q self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments> {
        query
            .bind(&self.tenant)
            .bind(to_sql(self.start.seq))
            .bind(self.start.link.bytes())
            .bind(&self.streams)
            .bind(&self.versions)
            .bind(&self.times)
            .bind(&self.actors)
            .bind(&self.hashes)
            .bind(&self.bodies)
    }
}

fn fence_columns(fence: &Fence) -> (Vec<u8>, i64) {
    (fence.run.0.as_bytes().to_vec(), to_sql(fence.token))
}

/// Projection rows, column by column.
#[derive(Default)]
pub(super) struct RowColumns {
    kinds: Vec<String>,
    ids: Vec<String>,
    open_states: Vec<bool>,
    sorts: Vec<i64>,
    states: Vec<String>,
    parents: Vec<Option<Vec<u8>>>,
    dues: Vec<Option<i64>>,
    bodies: Vec<String>,
}

impl RowColumns {
    pub fn of(sealing: &Sealing, rows: Vec<Row>) -> Result<Self, LogError> {
        let mut columns = Self::default();
        for row in rows {
            let body = sealing.row(&row)?.into_owned();
            columns.kinds.push(row.key.kind.name().to_owned());
            columns.ids.push(row.key.id);
            columns.open_states.push(row.is_open);
            columns.sorts.push(row.sort.timestamp_micros());
            columns.states.push(row.state);
            columns.parents.push(row.parent.map(|parent| stream_bytes(parent).to_vec()));
            columns.dues.push(row.due.map(|due| due.timestamp_micros()));
            columns.bodies.push(body);
        }
        Ok(columns)
    }

    /// Eight parameters, the columns in their order.
    pub fn bind<'q>(&'q self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments> {
        let query = query.bind(&self.kinds).bind(&self.ids).bind(&self.open_states).bind(&self.sorts);
        query.bind(&self.states).bind(&self.parents).bind(&self.dues).bind(&self.bodies)
    }
}

pub(super) async fn why_refused(store: &Store, prepared: &Prepared, error: &sqlx::Error) -> LogError {
    if error::has_code(error, raised::FENCED) {
        return refusal::fenced(&runs_in(error::detail(error)));
    }
    if !error::has_code(error, raised::CONFLICT) && !error::is_unique_violation(error) {
        return store.explain("append to", error);
    }
    match end::read_end(store).await {
        // The key that was taken is another one than the number in the log.
        Ok(now) if now == prepared.start && !error::has_code(error, raised::CONFLICT) => {
            store.explain("append to", error)
        }
        Ok(now) => {
            store.listeners.announce(now.seq);
            refusal::conflict(prepared.start.seq, now.seq)
        }
        Err(error) => error,
    }
}

fn runs_in(detail: &str) -> Vec<RunId> {
    detail.split(',').filter_map(|run| Uuid::try_parse(run).ok()).map(RunId).collect()
}

pub(super) fn unknown(place: &str, why: &str) -> LogError {
    LogError::new(
        LogErrorKind::Unknown,
        format!("the connection to {place} was lost while saving ({why}): whether it was saved is not known yet"),
        "wait until the database is back: what was saved then shows by itself; only then repeat what is missing",
    )
}
