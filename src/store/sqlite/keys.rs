//! The rows that keys are kept in: found, added, never changed here.

use std::path::Path;

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::error::explain;
use super::store::Store;
use crate::domain::{SubjectId, Tenant};
use crate::kinds::Stream;
use crate::ports::LogError;
use crate::store::chain::stream_bytes;
use crate::store::seal::{KeyRow, KeyTable, Mark};

/// The keys of one tenant, as a connection sees them.
pub(super) struct Keys<'a> {
    path: &'a Path,
    tenant: &'a Tenant,
    connection: &'a mut SqliteConnection,
}

impl<'a> Keys<'a> {
    pub fn of(store: &'a Store, connection: &'a mut SqliteConnection) -> Self {
        Self::at(&store.path, &store.tenant, connection)
    }

    pub fn at(path: &'a Path, tenant: &'a Tenant, connection: &'a mut SqliteConnection) -> Self {
        Self { path, tenant, connection }
    }

    fn failed(&self, error: &sqlx::Error) -> LogError {
        explain(self.path, "read the keys in", error)
    }
}

/// Learns keys for reading.
pub(super) async fn learn(store: &Store, subjects: Vec<SubjectId>) -> Result<(), LogError> {
    if subjects.is_empty() {
        return Ok(());
    }
    let mut reader = store.readers.acquire().await.map_err(|error| store.explain("read the keys in", &error))?;
    store.seal.learn(&mut Keys::of(store, &mut reader), subjects).await
}

#[async_trait]
impl KeyTable for Keys<'_> {
    async fn mark(&mut self) -> Result<Option<Mark>, LogError> {
        let found: Result<Option<Vec<u8>>, _> = sqlx::query_scalar("SELECT key_check FROM keyring WHERE tenant = $1")
            .bind(self.tenant.0.clone())
            .fetch_optional(&mut *self.connection)
            .await;
        Ok(found.map_err(|error| self.failed(&error))?.map(Mark::from_column))
    }

    async fn set_mark(&mut self, mark: Mark) -> Result<Option<Mark>, LogError> {
        let done = sqlx::query("INSERT INTO keyring (tenant, key_check) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(self.tenant.0.clone())
            .bind(mark.column())
            .execute(&mut *self.connection)
            .await;
        done.map_err(|error| explain(self.path, "save whether it is encrypted in", &error))?;
        self.mark().await
    }

    async fn of_subjects(&mut self, subjects: &[SubjectId]) -> Result<Vec<KeyRow>, LogError> {
        let list: Vec<_> = subjects.iter().map(|subject| hex::encode(subject.0.as_bytes())).collect();
        let rows = sqlx::query(
            "SELECT subject, lookup, wrapped FROM subject_key
             WHERE tenant = $1 AND subject IN (SELECT unhex(value) FROM json_each($2))",
        )
        .bind(self.tenant.0.clone())
        .bind(serde_json::Value::from(list).to_string())
        .fetch_all(&mut *self.connection)
        .await;
        let read = rows.and_then(|rows| rows.iter().map(key_row).collect());
        read.map_err(|error| self.failed(&error))
    }

    async fn found_by(&mut self, lookup: &[u8]) -> Result<Option<KeyRow>, LogError> {
        let row = sqlx::query("SELECT subject, lookup, wrapped FROM subject_key WHERE tenant = $1 AND lookup = $2")
            .bind(self.tenant.0.clone())
            .bind(lookup.to_vec())
            .fetch_optional(&mut *self.connection)
            .await;
        row.and_then(|row| row.as_ref().map(key_row).transpose()).map_err(|error| self.failed(&error))
    }

    async fn erased(&mut self) -> Result<Vec<SubjectId>, LogError> {
        let rows = sqlx::query("SELECT subject FROM subject_key WHERE tenant = $1 AND lookup IS NULL")
            .bind(self.tenant.0.clone())
            .fetch_all(&mut *self.connection)
            .await;
        rows.and_then(|rows| rows.iter().map(subject).collect()).map_err(|error| self.failed(&error))
    }

    async fn add(&mut self, row: &KeyRow) -> Result<(), LogError> {
        let done = sqlx::query(
            "INSERT INTO subject_key (tenant, subject, lookup, wrapped) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(self.tenant.0.clone())
        .bind(row.subject.0.as_bytes().to_vec())
        .bind(row.lookup.clone())
        .bind(row.wrapped.clone())
        .execute(&mut *self.connection)
        .await;
        done.map(|_| ()).map_err(|error| explain(self.path, "save a key in", &error))
    }

    async fn first_body(&mut self, stream: Stream) -> Result<Option<String>, LogError> {
        let found =
            sqlx::query_scalar("SELECT body FROM event WHERE tenant = $1 AND stream = $2 ORDER BY version LIMIT 1")
                .bind(self.tenant.0.clone())
                .bind(stream_bytes(stream).to_vec())
                .fetch_optional(&mut *self.connection)
                .await;
        found.map_err(|error| self.failed(&error))
    }
}

fn key_row(row: &SqliteRow) -> Result<KeyRow, sqlx::Error> {
    Ok(KeyRow { subject: subject(row)?, lookup: row.try_get(1)?, wrapped: row.try_get(2)? })
}

fn subject(row: &SqliteRow) -> Result<SubjectId, sqlx::Error> {
    let bytes: &[u8] = row.try_get(0)?;
    uuid::Uuid::from_slice(bytes).map(SubjectId).map_err(|error| sqlx::Error::Decode(error.into()))
}
