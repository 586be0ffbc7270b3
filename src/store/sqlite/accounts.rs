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
use crate::kinds::{Envelope, Stream};
use crate::ports::{
    AccessWrite, Account, AccountRows, LogError, LogErrorKind, NewEvent, SecretHash, Session, Token, Used,
};
use crate::store::chain::Place;
use crate::store::refusal;
use crate::store::stored::first_of_each;

const USE_TOKEN: &str = "
    PRAGMA synchronous = NORMAL;
    UPDATE token SET last_used_at = $1 WHERE tenant = $2 AND id = $3 AND coalesce(last_used_at, 0) < $1";
const USE_SESSION: &str = "
    PRAGMA synchronous = NORMAL;
    UPDATE session SET last_used_at = $1 WHERE tenant = $2 AND hash = $3 AND last_used_at < $1";

#[async_trait]
impl AccountRows for SqliteLog {
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

    async fn last_version(&self, account: AccountId) -> Result<u64, LogError> {
        let mut reader = self.store.readers.acquire().await.map_err(|error| self.store.explain("read", &error))?;
        last_version(&self.store, &mut reader, Stream::Account(account)).await
    }

    /// In a task of its own, as an append: a caller that stops waiting must not leave a transaction half done.
    async fn append_with(&self, writes: &[AccessWrite], events: &[NewEvent]) -> Result<Vec<Envelope>, LogError> {
        let task = tokio::spawn(append_with(Arc::clone(&self.store), writes.to_vec(), events.to_vec()));
        let stopped =
            |error| LogError::new(LogErrorKind::NotSaved, format!("the change was cut short: {error}"), "repeat it");
        task.await.map_err(stopped)?
    }
}

async fn append_with(
    store: Arc<Store>,
    writes: Vec<AccessWrite>,
    events: Vec<NewEvent>,
) -> Result<Vec<Envelope>, LogError> {
    let mut writer = store.writer().await?;
    let connection = &mut writer.connection;
    let failed = |error| store.explain("change accounts in", &error);
    sqlx::raw_sql("PRAGMA synchronous = FULL; BEGIN IMMEDIATE").execute(&mut *connection).await.map_err(failed)?;
    let written = write(&store, connection, &writes, events).await;
    let done = match written {
        Ok(done) => sqlx::raw_sql("COMMIT").execute(&mut *connection).await.map(|_| done).map_err(failed),
        Err(error) => Err(error),
    };
    match done {
        Ok((end, envelopes)) => {
            store.seal.moved_to(end);
            drop(writer);
            store.listeners.announce(end.seq);
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
    writes: &[AccessWrite],
    events: Vec<NewEvent>,
) -> Result<(Place, Vec<Envelope>), LogError> {
    let start = read_place(connection, &store.tenant).await;
    let start = start.map_err(|error| store.explain("read the head of", &error))?;
    let sealing = store.seal.prepare_access(&mut Keys::of(store, connection), start, writes).await?;
    for write in writes {
        access::write(store, connection, &sealing, write).await?;
    }
    if events.is_empty() {
        return Ok((start, Vec::new()));
    }
    let streams = first_of_each(&events);
    for (stream, version) in streams {
        refusal::unless_next(stream, version, last_version(store, connection, stream).await?)?;
    }
    append_within(store, connection, start, events).await
}
