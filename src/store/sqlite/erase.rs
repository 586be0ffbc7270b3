//! Erasing a person: one transaction that says so, destroys their key and removes what is kept of them besides.
//!
//! What a page of SQLite held before can stay in its unused bytes, so all keys are deleted with every page they were on
//! overwritten, and those that stay are written again. What the write-ahead log held goes when it is emptied.

use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use tokio::time::Instant;
use uuid::Uuid;

use super::end::{last_version, read_place};
use super::keys::Keys;
use super::rows::{put_row_within, select_rows};
use super::store::Store;
use super::{append, keeper, rows};
use crate::domain::{RunId, SubjectId};
use crate::kinds::{Envelope, Row, RowKind};
use crate::ports::{EraseError, Erased, LogError, LogErrorKind, NewEvent};
use crate::store::chain::Place;
use crate::store::refusal;
use crate::store::seal::{BLOB_LOOKUP, Seal, Vault, Whose, beginning, renamed};

/// How long readers may keep the write-ahead log from being emptied.
const EMPTYING: Duration = Duration::from_secs(5);

const BEGIN: &str = "PRAGMA secure_delete = ON; PRAGMA synchronous = FULL; BEGIN IMMEDIATE";

/// Rows looked at in one statement.
const CHUNK: i64 = 500;

pub(super) async fn subject_of(store: &Store, name: &str) -> Result<SubjectId, EraseError> {
    let Seal::Sealed(vault) = &store.seal else { return Err(EraseError::NotEncrypted) };
    let mut writer = store.writer().await?;
    let found = vault.subject_of(&mut Keys::of(store, &mut writer.connection), Whose::Person(name)).await?;
    if found.is_none() {
        empty_the_log(store, &mut writer.connection).await;
    }
    found.ok_or_else(|| EraseError::Unknown(name.to_owned()))
}

/// In a task of its own: a caller that stops waiting must not leave a transaction half done.
pub(super) async fn erase(
    store: &Arc<Store>,
    (name, subject): (&str, SubjectId),
    told: NewEvent,
) -> Result<Erased, EraseError> {
    let task = tokio::spawn(perform(Arc::clone(store), name.to_owned(), subject, told));
    let stopped =
        |error| LogError::new(LogErrorKind::NotSaved, format!("the erasure was cut short: {error}"), "repeat it");
    task.await.map_err(stopped)?
}

async fn perform(store: Arc<Store>, name: String, subject: SubjectId, told: NewEvent) -> Result<Erased, EraseError> {
    let Seal::Sealed(vault) = &store.seal else { return Err(EraseError::NotEncrypted) };
    let mut writer = store.writer().await?;
    let connection = &mut writer.connection;
    let failed = |error| store.explain("erase somebody in", &error);
    sqlx::raw_sql(BEGIN).execute(&mut *connection).await.map_err(failed)?;
    let done = match write(&store, vault, connection, (&name, subject), told).await {
        Ok(done) => match sqlx::raw_sql("COMMIT").execute(&mut *connection).await {
            Ok(_) => Ok(done),
            Err(error) => Err(failed(error).into()),
        },
        Err(error) => Err(error),
    };
    store.seal.forget_all();
    match done {
        Ok((end, mut erased)) => {
            erased.leftovers = empty_the_log(&store, &mut writer.connection).await;
            drop(writer);
            store.listeners.announce(end.seq);
            keeper::head_moved(&store);
            Ok(erased)
        }
        Err(error) => {
            // Refused when SQLite has rolled back by itself; either way no transaction is open afterwards.
            let _ = sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await;
            Err(error)
        }
    }
}

async fn write(
    store: &Store,
    vault: &Vault,
    connection: &mut SqliteConnection,
    (name, subject): (&str, SubjectId),
    told: NewEvent,
) -> Result<(Place, Erased), EraseError> {
    let found = vault.subject_of(&mut Keys::of(store, connection), Whose::Person(name)).await?;
    if found != Some(subject) {
        return Err(EraseError::Unknown(name.to_owned()));
    }
    let busy = open_runs(store, connection, subject).await?;
    if !busy.is_empty() {
        return Err(EraseError::Busy(busy));
    }
    let (end, event) = say(store, connection, told).await?;
    remove_account(store, connection, name).await?;
    let rows = remove_rows(store, connection, subject).await?;
    let outputs = remove_outputs(store, connection, subject).await?;
    rename_elsewhere(store, connection, end, (name, subject)).await?;
    destroy_key(store, connection, subject).await?;
    Ok((end, Erased { event, rows, outputs, leftovers: String::new() }))
}

async fn open_runs(
    store: &Store,
    connection: &mut SqliteConnection,
    subject: SubjectId,
) -> Result<Vec<RunId>, LogError> {
    let beginning = beginning(subject);
    let found: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT id FROM projection WHERE tenant = $1 AND kind = $2 AND is_open = 1 AND substr(body, 1, $3) = $4",
    )
    .bind(store.tenant.0.clone())
    .bind(RowKind::Run.name())
    .bind(beginning.len() as i64)
    .bind(beginning)
    .fetch_all(connection)
    .await
    .map_err(|error| store.explain("read rows of", &error))?;
    Ok(found.iter().filter_map(|id| Uuid::from_slice(id).ok()).map(RunId).collect())
}

/// The event, in the log.
async fn say(store: &Store, connection: &mut SqliteConnection, told: NewEvent) -> Result<(Place, Envelope), LogError> {
    let start = read_place(connection, &store.tenant).await;
    let start = start.map_err(|error| store.explain("read the head of", &error))?;
    refusal::unless_next(told.stream, told.version, last_version(store, connection, told.stream).await?)?;
    let (end, envelopes) = append::append_within(store, connection, start, vec![told]).await?;
    let event = envelopes.into_iter().next().ok_or_else(|| {
        LogError::new(LogErrorKind::Unusable, "an event was appended and not returned", "please report this defect")
    })?;
    Ok((end, event))
}

async fn remove_account(store: &Store, connection: &mut SqliteConnection, name: &str) -> Result<(), LogError> {
    let failed = |error| store.explain("change accounts in", &error);
    for table in ["token", "session"] {
        let sql = format!(
            "DELETE FROM {table} WHERE tenant = $1 AND account IN (SELECT id FROM account WHERE tenant = $1 AND name = $2)"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(store.tenant.0.clone());
        query.bind(store.seal.account_name(name)).execute(&mut *connection).await.map_err(failed)?;
    }
    let query = sqlx::query("DELETE FROM account WHERE tenant = $1 AND name = $2").bind(store.tenant.0.clone());
    query.bind(store.seal.account_name(name)).execute(connection).await.map(|_| ()).map_err(failed)
}

async fn remove_rows(store: &Store, connection: &mut SqliteConnection, subject: SubjectId) -> Result<u64, LogError> {
    let beginning = beginning(subject);
    let done = sqlx::query("DELETE FROM projection WHERE tenant = $1 AND substr(body, 1, $2) = $3")
        .bind(store.tenant.0.clone())
        .bind(beginning.len() as i64)
        .bind(beginning)
        .execute(connection)
        .await;
    done.map(|done| done.rows_affected()).map_err(|error| store.explain("remove rows of", &error))
}

async fn remove_outputs(store: &Store, connection: &mut SqliteConnection, subject: SubjectId) -> Result<u64, LogError> {
    let done = sqlx::query("DELETE FROM blob WHERE tenant = $1 AND substr(hash, $2) = $3")
        .bind(store.tenant.0.clone())
        .bind(BLOB_LOOKUP as i64 + 1)
        .bind(subject.0.as_bytes().to_vec())
        .execute(connection)
        .await;
    done.map(|done| done.rows_affected()).map_err(|error| store.explain("remove outputs from", &error))
}

/// In rows of others, the name of whoever started or decided something gives way to the pseudonym.
async fn rename_elsewhere(
    store: &Store,
    connection: &mut SqliteConnection,
    end: Place,
    (name, subject): (&str, SubjectId),
) -> Result<(), LogError> {
    let failed = |error| store.explain("read rows of", &error);
    for kind in RowKind::ALL.iter().copied() {
        let mut after = 0;
        loop {
            let query = sqlx::query(select_rows!("kind = $2 AND rowid > $3 ORDER BY rowid LIMIT $4"));
            let query = query.bind(store.tenant.0.clone()).bind(kind.name()).bind(after).bind(CHUNK);
            let found = query.fetch_all(&mut *connection).await.map_err(failed)?;
            let Some(last) = found.last() else { break };
            after = last.try_get::<i64, _>(8).map_err(failed)?;
            let changed = renamed_rows(store, connection, &found, (name, subject)).await?;
            put(store, connection, end, &changed).await?;
        }
    }
    Ok(())
}

async fn renamed_rows(
    store: &Store,
    connection: &mut SqliteConnection,
    found: &[SqliteRow],
    (name, subject): (&str, SubjectId),
) -> Result<Vec<Row>, LogError> {
    let unknown = store.seal.unknown(rows::bodies(found));
    store.seal.learn(&mut Keys::of(store, connection), unknown).await?;
    let mut changed = Vec::new();
    for row in found {
        let Some(mut row) = rows::decode(store, row)? else { continue };
        if let Some(body) = renamed(&row.body, name, subject) {
            row.body = body;
            changed.push(row);
        }
    }
    Ok(changed)
}

async fn put(store: &Store, connection: &mut SqliteConnection, end: Place, changed: &[Row]) -> Result<(), LogError> {
    if changed.is_empty() {
        return Ok(());
    }
    let sealing = store.seal.prepare(&mut Keys::of(store, connection), end, (&[], changed)).await?;
    for row in changed {
        put_row_within(store, connection, &sealing, row).await?;
    }
    Ok(())
}

/// Every key of the file is written again, without this one: the pages that they were on are overwritten.
async fn destroy_key(store: &Store, connection: &mut SqliteConnection, subject: SubjectId) -> Result<(), LogError> {
    const COPY: &str = "
        CREATE TEMP TABLE kept_key AS SELECT tenant, subject, lookup, wrapped FROM main.subject_key;
        DELETE FROM main.subject_key";
    const BACK: &str = "
        INSERT INTO main.subject_key (tenant, subject, lookup, wrapped)
            SELECT tenant, subject, lookup, wrapped FROM temp.kept_key;
        DROP TABLE temp.kept_key";
    let failed = |error| store.explain("destroy a key in", &error);
    sqlx::raw_sql(COPY).execute(&mut *connection).await.map_err(failed)?;
    sqlx::query("UPDATE temp.kept_key SET lookup = NULL, wrapped = x'' WHERE tenant = $1 AND subject = $2")
        .bind(store.tenant.0.clone())
        .bind(subject.0.as_bytes().to_vec())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    sqlx::raw_sql(BACK).execute(connection).await.map(|_| ()).map_err(failed)
}

/// What could not be emptied, in words; nothing when all is gone.
async fn empty_the_log(store: &Store, connection: &mut SqliteConnection) -> String {
    let deadline = Instant::now() + EMPTYING;
    loop {
        let done = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
        let is_busy = done.map_or(1, |row| row.try_get::<i64, _>(0).unwrap_or(1));
        if is_busy == 0 {
            return String::new();
        }
        if Instant::now() >= deadline {
            return format!(
                "other processes read the store, so the destroyed key is still in {}-wal until the last of them closes it",
                store.path.display()
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
