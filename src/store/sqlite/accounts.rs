//! Accounts, tokens and sessions: rows found by name and by hash, and changed together with the events that tell of it.
//!
//! A change is rare and may take a few trips to the SQLite thread; it holds the one writing connection meanwhile, so
//! where the log ends is known and no event of it can be refused.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::append::append_within;
use super::end::{last_version, read_place};
use super::keys::Keys;
use super::log::SqliteLog;
use super::store::Store;
use super::{access, keeper};
use crate::domain::{AccountId, AccountName, Timestamp};
use crate::kinds::{Envelope, Event, Stream};
use crate::ports::{
    AccessChange, AccessRecord, Account, Accounts, LogError, LogErrorKind, NewEvent, SecretHash, Session, Token, Used,
};
use crate::store::chain::Place;

const USE_TOKEN: &str = "
    PRAGMA synchronous = NORMAL;
    UPDATE token SET last_used_at = $1 WHERE tenant = $2 AND id = $3 AND coalesce(last_used_at, 0) < $1";
const USE_SESSION: &str = "
    PRAGMA synchronous = NORMAL;
    UPDATE session SET last_used_at = $1 WHERE tenant = $2 AND hash = $3 AND last_used_at < $1";

#[async_trait]
impl Accounts for SqliteLog {
    async fn accounts(&self) -> Result<Vec<Account>, LogError> {
        access::accounts(&self.store).await
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>, LogError> {
        access::account(&self.store, id).await
    }

    async fn account_named(&self, name: &AccountName) -> Result<Option<Account>, LogError> {
        access::account_named(&self.store, name).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, LogError> {
        access::tokens(&self.store).await
    }

    async fn token_of(&self, secret: &SecretHash) -> Result<Option<Token>, LogError> {
        access::token_of(&self.store, secret).await
    }

    async fn session_of(&self, secret: &SecretHash) -> Result<Option<Session>, LogError> {
        access::session_of(&self.store, secret).await
    }

    /// In a task of its own, as an append: a caller that stops waiting must not leave a transaction half done.
    async fn commit(&self, change: AccessChange) -> Result<Vec<Envelope>, LogError> {
        let task = tokio::spawn(commit(Arc::clone(&self.store), change));
        let stopped =
            |error| LogError::new(LogErrorKind::NotSaved, format!("the change was cut short: {error}"), "repeat it");
        task.await.map_err(stopped)?
    }

    async fn used(&self, what: Used, at: Timestamp) -> Result<(), LogError> {
        let (statement, key) = match what {
            Used::Token(id) => (USE_TOKEN, id.0.as_bytes().to_vec()),
            Used::Session(hash) => (USE_SESSION, hash.0.to_vec()),
        };
        let mut writer = self.store.writer().await?;
        sqlx::query(statement)
            .bind(at.timestamp_micros())
            .bind(self.store.tenant.0.clone())
            .bind(key)
            .execute(&mut writer.connection)
            .await
            .map_err(|error| self.store.explain("note a use in", &error))?;
        Ok(())
    }
}

async fn commit(store: Arc<Store>, change: AccessChange) -> Result<Vec<Envelope>, LogError> {
    let mut writer = store.writer().await?;
    let connection = &mut writer.connection;
    let failed = |error| store.explain("change accounts in", &error);
    sqlx::raw_sql("PRAGMA synchronous = FULL; BEGIN IMMEDIATE").execute(&mut *connection).await.map_err(failed)?;
    let written = write(&store, connection, change).await;
    let done = match written {
        Ok(done) => sqlx::raw_sql("COMMIT").execute(&mut *connection).await.map(|_| done).map_err(failed),
        Err(error) => Err(error),
    };
    match done {
        Ok((end, envelopes)) => {
            store.seal.moved_to(end);
            drop(writer);
            store.announce(end.seq);
            keeper::head_moved(&store);
            Ok(envelopes)
        }
        Err(error) => {
            // Refused when SQLite has rolled back by itself; either way no transaction is open afterwards.
            let _ = sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await;
            store.seal.forget_all();
            Err(error)
        }
    }
}

async fn write(
    store: &Store,
    connection: &mut SqliteConnection,
    change: AccessChange,
) -> Result<(Place, Vec<Envelope>), LogError> {
    let start = read_place(connection, &store.tenant).await;
    let start = start.map_err(|error| store.explain("read the head of", &error))?;
    let sealing = store.seal.prepare_access(&mut Keys::of(store, connection), start, &change).await?;
    for write in &change.writes {
        access::write(store, connection, &sealing, write).await?;
    }
    if change.records.is_empty() {
        return Ok((start, Vec::new()));
    }
    let events = numbered(store, connection, change.records).await?;
    append_within(store, connection, start, events).await
}

/// Each event with its place in the account's stream.
async fn numbered(
    store: &Store,
    connection: &mut SqliteConnection,
    records: Vec<AccessRecord>,
) -> Result<Vec<NewEvent>, LogError> {
    let mut events: Vec<NewEvent> = Vec::with_capacity(records.len());
    for AccessRecord { account, at, by, event } in records {
        let stream = Stream::Account(account);
        let version = match events.iter().rev().find(|earlier| earlier.stream == stream) {
            Some(earlier) => earlier.version,
            None => last_version(store, connection, stream).await?,
        };
        events.push(NewEvent { stream, version: version + 1, at, by, event: Event::Account(event) });
    }
    Ok(events)
}
