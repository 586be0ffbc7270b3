//! Erasing a person: one transaction that says so, destroys their key and removes what is kept of them besides.
//!
//! An update leaves the old row in its page until the table is vacuumed, and a copy in the server's write-ahead log;
//! what of that is not ours to end is told.

use std::sync::Arc;

use sqlx::Row as _;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::append::{Prepared, RowColumns};
use super::ask::{LONG_ANSWER, answered};
use super::change::{LOCK, lock_of};
use super::error::raised;
use super::keys::Keys;
use super::store::Store;
use super::transaction::{Kind, begin};
use super::{change, error, keeper, keys, rows, watch};
use crate::domain::{RunId, SubjectId};
use crate::kinds::RowKind;
use crate::ports::{Batch, EraseError, Erased, LogError, LogErrorKind, NewEvent};
use crate::store::chain::Place;
use crate::store::refusal;
use crate::store::seal::{BLOB_LOOKUP, Seal, Whose, beginning, renamed};

/// Rows looked at in one statement.
const CHUNK: i64 = 500;

pub(super) async fn subject_of(store: &Store, name: &str) -> Result<SubjectId, EraseError> {
    let Seal::Sealed(vault) = &store.seal else { return Err(EraseError::NotEncrypted) };
    store.check_writable()?;
    let found = vault.subject_of(&mut Keys(store), Whose::Person(name)).await?;
    if found.is_none() {
        clean_up(store).await;
    }
    found.ok_or_else(|| EraseError::Unknown(name.to_owned()))
}

/// In a task of its own: a caller that stops waiting must not leave the outcome in the dark.
pub(super) async fn erase(
    store: &Arc<Store>,
    (name, subject): (&str, SubjectId),
    told: NewEvent,
) -> Result<Erased, EraseError> {
    store.check_writable()?;
    let task = tokio::spawn(perform(Arc::clone(store), name.to_owned(), subject, told));
    let stopped = |error| {
        LogError::new(
            LogErrorKind::Unknown,
            format!("the erasure was cut short: {error}"),
            "look whether it is in `morningai audit`",
        )
    };
    task.await.map_err(stopped)?
}

async fn perform(store: Arc<Store>, name: String, subject: SubjectId, told: NewEvent) -> Result<Erased, EraseError> {
    let done = attempt(&store, (&name, subject), told).await;
    store.seal.forget_all();
    let (end, mut erased) = done?;
    erased.leftovers = clean_up(&store).await;
    store.listeners.announce(end.seq);
    watch::tell_others(&store);
    keeper::head_moved(&store);
    Ok(erased)
}

async fn attempt(
    store: &Store,
    (name, subject): (&str, SubjectId),
    told: NewEvent,
) -> Result<(Place, Erased), EraseError> {
    let Seal::Sealed(vault) = &store.seal else { return Err(EraseError::NotEncrypted) };
    let _turn = store.change_order.lock().await;
    let mut known_end = store.end.lock().await;
    let start = store.read_end().await?;
    if vault.subject_of(&mut Keys(store), Whose::Person(name)).await? != Some(subject) {
        return Err(EraseError::Unknown(name.to_owned()));
    }
    let prepared = prepare(store, start, told).await?;
    let failed = |error| store.failure("erase somebody in", &error).error;
    let mut lent = store.readers.lend().await?;
    let beginning = begin(&mut lent.connection, &store.tenant, Kind::Write);
    let mut transaction = answered(LONG_ANSWER, beginning).await.map_err(failed)?;
    let lock = sqlx::query(LOCK).bind(lock_of(&store.tenant));
    answered(LONG_ANSWER, lock.execute(&mut *transaction)).await.map_err(failed)?;
    if let Err(error) = answered(LONG_ANSWER, prepared.query().execute(&mut *transaction)).await {
        let moved = error::has_code(&error, raised::CONFLICT) || error::is_unique_violation(&error);
        *known_end = None;
        return Err(if moved { refusal::conflict(start.seq, start.seq + 1) } else { failed(error) }.into());
    }
    let busy = open_runs(store, &mut transaction, subject).await?;
    if !busy.is_empty() {
        return Err(EraseError::Busy(busy));
    }
    remove_account(store, &mut transaction, name).await.map_err(failed)?;
    let (rows, outputs) = remove(store, &mut transaction, subject).await?;
    rename_elsewhere(store, &mut transaction, start, (name, subject)).await?;
    const DESTROY: &str =
        "UPDATE morningai.subject_key SET lookup = NULL, wrapped = '' WHERE tenant = $1 AND subject = $2";
    let destroy = sqlx::query(DESTROY).bind(&store.tenant.0).bind(subject.0.as_bytes().as_slice());
    answered(LONG_ANSWER, destroy.execute(&mut *transaction)).await.map_err(failed)?;
    *known_end = None;
    answered(LONG_ANSWER, transaction.commit()).await.map_err(|error| outcome_unknown(store, &error))?;
    lent.give_back();
    *known_end = Some(prepared.end);
    let event = prepared.envelopes.into_iter().next().ok_or_else(|| {
        LogError::new(LogErrorKind::Unusable, "an event was appended and not returned", "please report this defect")
    })?;
    Ok((prepared.end, Erased { event, rows, outputs, leftovers: String::new() }))
}

fn outcome_unknown(store: &Store, error: &sqlx::Error) -> LogError {
    if !error::is_connection_lost(error) {
        return store.explain("erase somebody in", error);
    }
    LogError::new(
        LogErrorKind::Unknown,
        format!("the connection to {} was lost while saving: whether it was done is not known yet", store.place),
        "once the database is back, `morningai audit` says whether it was; if not, repeat",
    )
}

/// The event that says it.
async fn prepare(store: &Store, start: Place, told: NewEvent) -> Result<Prepared, LogError> {
    refusal::unless_next(told.stream, told.version, change::last_version(store, told.stream).await?)?;
    let batch = Batch { after: start.seq, events: vec![told], ..Batch::default() };
    let sealing = store.seal.prepare(&mut Keys(store), start, (&batch.events, &[])).await?;
    Prepared::new(&store.tenant, &sealing, start, batch)
}

async fn open_runs(store: &Store, connection: &mut PgConnection, subject: SubjectId) -> Result<Vec<RunId>, LogError> {
    let query = sqlx::query_scalar(
        "SELECT id FROM morningai.projection
         WHERE tenant = $1 AND kind = $2 AND is_open AND starts_with(body, $3)",
    )
    .bind(&store.tenant.0)
    .bind(RowKind::Run.name())
    .bind(beginning(subject));
    let found: Result<Vec<String>, _> = answered(LONG_ANSWER, query.fetch_all(connection)).await;
    let found = found.map_err(|error| store.explain("read rows of", &error))?;
    Ok(found.iter().filter_map(|id| Uuid::try_parse(id).ok()).map(RunId).collect())
}

async fn remove_account(store: &Store, connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    const THEIRS: [&str; 3] = [
        "DELETE FROM morningai.token WHERE tenant = $1
             AND account IN (SELECT id FROM morningai.account WHERE tenant = $1 AND name = $2)",
        "DELETE FROM morningai.session WHERE tenant = $1
             AND account IN (SELECT id FROM morningai.account WHERE tenant = $1 AND name = $2)",
        "DELETE FROM morningai.account WHERE tenant = $1 AND name = $2",
    ];
    for statement in THEIRS {
        let query = sqlx::query(statement).bind(&store.tenant.0).bind(store.seal.account_name(name));
        answered(LONG_ANSWER, query.execute(&mut *connection)).await?;
    }
    Ok(())
}

/// How many rows, and how many outputs.
async fn remove(store: &Store, connection: &mut PgConnection, subject: SubjectId) -> Result<(u64, u64), LogError> {
    let failed = |error| store.explain("remove rows of", &error);
    let of_listing = "DELETE FROM morningai.listing AS listed USING morningai.projection AS said
         WHERE listed.tenant = $1 AND said.tenant = $1 AND said.kind = listed.kind AND said.id = listed.id
             AND starts_with(said.body, $2)";
    let of_projection = "DELETE FROM morningai.projection WHERE tenant = $1 AND starts_with(body, $2)";
    let mut rows = 0;
    for statement in [of_listing, of_projection] {
        let query = sqlx::query(statement).bind(&store.tenant.0).bind(beginning(subject));
        rows = answered(LONG_ANSWER, query.execute(&mut *connection)).await.map_err(failed)?.rows_affected();
    }
    let query = sqlx::query("DELETE FROM morningai.blob WHERE tenant = $1 AND substr(hash, $2) = $3")
        .bind(&store.tenant.0)
        .bind(BLOB_LOOKUP as i32 + 1)
        .bind(subject.0.as_bytes().as_slice());
    let outputs = answered(LONG_ANSWER, query.execute(connection)).await;
    Ok((rows, outputs.map_err(|error| store.explain("remove outputs from", &error))?.rows_affected()))
}

/// In rows of others, the name of whoever started or decided something gives way to the pseudonym.
async fn rename_elsewhere(
    store: &Store,
    connection: &mut PgConnection,
    start: Place,
    (name, subject): (&str, SubjectId),
) -> Result<(), LogError> {
    let failed = |error| store.explain("change rows of", &error);
    for kind in RowKind::ALL.iter().copied() {
        let mut after = String::new();
        loop {
            let query = sqlx::query(
                "SELECT DISTINCT ON (id) id, is_open, sort, body, state, parent, due, kind FROM morningai.projection
                 WHERE tenant = $1 AND kind = $2 AND id > $3 ORDER BY id, version DESC LIMIT $4",
            )
            .bind(&store.tenant.0)
            .bind(kind.name())
            .bind(after)
            .bind(CHUNK);
            let found = answered(LONG_ANSWER, query.fetch_all(&mut *connection)).await.map_err(failed)?;
            let Some(last) = found.last() else { break };
            after = last.try_get(0).map_err(failed)?;
            keys::learn(store, store.seal.unknown(rows::bodies(&found))).await?;
            let mut changed = Vec::new();
            for row in &found {
                let Some(mut row) = rows::decode(store, row)? else { continue };
                if let Some(body) = renamed(&row.body, name, subject) {
                    row.body = body;
                    changed.push(row);
                }
            }
            if !changed.is_empty() {
                let sealing = store.seal.prepare(&mut Keys(store), start, (&[], &changed)).await?;
                let columns = RowColumns::of(&sealing, changed)?;
                let query =
                    sqlx::query("SELECT morningai.put_rows($1, $2, $3, $4, $5, $6, $7, $8, $9)").bind(&store.tenant.0);
                answered(LONG_ANSWER, columns.bind(query).execute(&mut *connection)).await.map_err(failed)?;
            }
        }
    }
    Ok(())
}

/// Rewrites the table of keys where we may, and says what is left.
async fn clean_up(store: &Store) -> String {
    match vacuum(store).await {
        Ok(true) => "the server's write-ahead log, standbys and backups hold the destroyed key until they are recycled",
        Ok(false) | Err(_) => {
            "the server holds the destroyed key in a dead row: let the owner of the database run `VACUUM FULL \
             morningai.subject_key`; its write-ahead log, standbys and backups hold it until they are recycled"
        }
    }
    .to_owned()
}

/// Whether the table was rewritten; only its owner may.
async fn vacuum(store: &Store) -> Result<bool, LogError> {
    let failed = |error| store.explain("vacuum", &error);
    let mut lent = store.readers.lend().await?;
    let query = sqlx::query_scalar(
        "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'morningai.subject_key'::regclass",
    );
    let owns: bool = answered(LONG_ANSWER, query.fetch_one(&mut lent.connection)).await.map_err(failed)?;
    if owns {
        let vacuum = sqlx::raw_sql("VACUUM FULL morningai.subject_key").execute(&mut lent.connection);
        answered(LONG_ANSWER, vacuum).await.map_err(failed)?;
    }
    lent.give_back();
    Ok(owns)
}
