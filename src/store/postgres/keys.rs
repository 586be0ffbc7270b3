//! The rows that keys are kept in: found, added, never changed here. Every question may be repeated.

use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::ask::{How, Question};
use super::store::Store;
use crate::domain::SubjectId;
use crate::kinds::Stream;
use crate::ports::LogError;
use crate::store::chain::stream_bytes;
use crate::store::seal::{KeyRow, KeyTable, Mark};

/// The keys of the store's tenant.
pub(super) struct Keys<'a>(pub &'a Store);

/// Learns keys for reading.
pub(super) async fn learn(store: &Store, subjects: Vec<SubjectId>) -> Result<(), LogError> {
    if subjects.is_empty() {
        return Ok(());
    }
    store.seal.learn(&mut Keys(store), subjects).await
}

impl Keys<'_> {
    fn about(&self, sql: &'static str) -> Question {
        sqlx::query(sql).bind(self.0.tenant.0.clone())
    }

    async fn read(&self, question: impl Fn() -> Question) -> Result<Vec<PgRow>, LogError> {
        self.0.ask(How::Reading, "read the keys in", question).await
    }

    fn decoded<T>(
        &self,
        row: Option<&PgRow>,
        read: fn(&PgRow) -> Result<T, sqlx::Error>,
    ) -> Result<Option<T>, LogError> {
        row.map(read).transpose().map_err(|error| self.0.explain("read the keys in", &error))
    }
}

#[async_trait]
impl KeyTable for Keys<'_> {
    async fn mark(&mut self) -> Result<Option<Mark>, LogError> {
        let rows = self.read(|| self.about("SELECT key_check FROM morningai.keyring WHERE tenant = $1")).await?;
        self.decoded(rows.first(), |row| row.try_get(0).map(Mark::from_column))
    }

    async fn set_mark(&mut self, mark: Mark) -> Result<Option<Mark>, LogError> {
        let question = || {
            let sql = "INSERT INTO morningai.keyring (tenant, key_check) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            self.about(sql).bind(mark.column())
        };
        self.0.ask(How::Writing, "save whether it is encrypted in", question).await?;
        self.mark().await
    }

    async fn of_subjects(&mut self, subjects: &[SubjectId]) -> Result<Vec<KeyRow>, LogError> {
        let list: Vec<_> = subjects.iter().map(|subject| subject.0.as_bytes().to_vec()).collect();
        let question = || {
            let sql = "SELECT subject, lookup, wrapped FROM morningai.subject_key
                 WHERE tenant = $1 AND subject = ANY($2)";
            self.about(sql).bind(list.clone())
        };
        let rows = self.read(question).await?;
        let read = rows.iter().map(key_row).collect::<Result<_, _>>();
        read.map_err(|error| self.0.explain("read the keys in", &error))
    }

    async fn found_by(&mut self, lookup: &[u8]) -> Result<Option<KeyRow>, LogError> {
        let question = || {
            let sql = "SELECT subject, lookup, wrapped FROM morningai.subject_key WHERE tenant = $1 AND lookup = $2";
            self.about(sql).bind(lookup.to_vec())
        };
        let rows = self.read(question).await?;
        self.decoded(rows.first(), key_row)
    }

    async fn erased(&mut self) -> Result<Vec<SubjectId>, LogError> {
        let sql = "SELECT subject FROM morningai.subject_key WHERE tenant = $1 AND lookup IS NULL";
        let rows = self.read(|| self.about(sql)).await?;
        let read = rows.iter().map(subject).collect::<Result<_, _>>();
        read.map_err(|error| self.0.explain("read the keys in", &error))
    }

    async fn add(&mut self, row: &KeyRow) -> Result<(), LogError> {
        let question = || {
            let sql = "INSERT INTO morningai.subject_key (tenant, subject, lookup, wrapped) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING";
            self.about(sql).bind(row.subject.0.as_bytes().to_vec()).bind(row.lookup.clone()).bind(row.wrapped.clone())
        };
        self.0.ask(How::Writing, "save a key in", question).await.map(|_| ())
    }

    async fn first_body(&mut self, stream: Stream) -> Result<Option<String>, LogError> {
        let question = || {
            let sql = "SELECT body FROM morningai.event WHERE tenant = $1 AND stream = $2 ORDER BY version LIMIT 1";
            self.about(sql).bind(stream_bytes(stream).to_vec())
        };
        let rows = self.read(question).await?;
        self.decoded(rows.first(), |row| row.try_get(0))
    }
}

pub(super) fn key_row(row: &PgRow) -> Result<KeyRow, sqlx::Error> {
    Ok(KeyRow { subject: subject(row)?, lookup: row.try_get(1)?, wrapped: row.try_get(2)? })
}

fn subject(row: &PgRow) -> Result<SubjectId, sqlx::Error> {
    let bytes: &[u8] = row.try_get(0)?;
    uuid::Uuid::from_slice(bytes).map(SubjectId).map_err(|error| sqlx::Error::Decode(error.into()))
}
