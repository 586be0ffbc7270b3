//! Turns of the writer: a caller that appends together with a change of what is kept beside the log does so while the writer
//! waits, and gives the events their places here. Where no orchestrator runs there is no writer to wait for.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::core::Task;
use crate::domain::{AccountId, AccountName, Actor, Timestamp};
use crate::kinds::{AccessEvent, Envelope, Event, Stream};
use crate::ports::{
    AccessChange, AccessRecord, AccessWrite, Account, AccountRows, Accounts, EncryptionState, EraseError, Erased,
    Erasure, LogError, LogErrorKind, NewEvent, Prunable, Pruning, SecretHash, Session, SubjectKeys, Subjects, Token,
    Used,
};

/// Times that another process may write while somebody is erased.
const TRIES: u32 = 20;

/// Asks for turns.
#[derive(Clone, Default)]
pub struct Turns {
    /// `None` where no orchestrator runs.
    writer: Option<mpsc::UnboundedSender<Task>>,
}

impl Turns {
    pub(super) fn of(writer: mpsc::UnboundedSender<Task>) -> Self {
        Self { writer: Some(writer) }
    }

    /// Does `work` while the writer of this process does nothing; it reads the result afterwards.
    pub async fn take<T>(&self, work: impl Future<Output = T>) -> T {
        let turn = self.begin().await;
        let done = work.await;
        drop(turn);
        done
    }

    /// Ends when dropped. There is none of a writer that has ended.
    async fn begin(&self) -> Option<oneshot::Sender<()>> {
        let (give, given) = oneshot::channel();
        self.writer.as_ref()?.send(Task::Turn(give)).ok()?;
        given.await.ok()
    }

    /// Removes what ended long ago, and says so in the log.
    pub async fn prune(&self, log: &dyn Prunable, rows: &dyn AccountRows, pruning: &Pruning) -> Result<(), LogError> {
        self.take(prune(log, rows, pruning)).await
    }

    /// The people in a log, erased in turn.
    pub fn subjects(self, keys: Arc<dyn SubjectKeys>, rows: Arc<dyn AccountRows>) -> Arc<dyn Subjects> {
        Arc::new(SubjectsInTurn { keys, rows, turns: self })
    }

    /// The accounts of a store, changed in turn.
    pub fn accounts(self, rows: Arc<dyn AccountRows>) -> Arc<dyn Accounts> {
        Arc::new(AccountsInTurn { rows, turns: self })
    }
}

struct AccountsInTurn {
    rows: Arc<dyn AccountRows>,
    turns: Turns,
}

struct SubjectsInTurn {
    keys: Arc<dyn SubjectKeys>,
    rows: Arc<dyn AccountRows>,
    turns: Turns,
}

async fn prune(log: &dyn Prunable, rows: &dyn AccountRows, pruning: &Pruning) -> Result<(), LogError> {
    let tell = async || of_nobody(rows, pruning.at, &pruning.by, log.remains(pruning).await?).await;
    let mut told = tell().await?;
    loop {
        match log.prune(pruning, told.clone()).await {
            Err(error) if error.kind == LogErrorKind::Conflict => {
                let again = tell().await?;
                if again.version == told.version {
                    return Err(error);
                }
                told = again;
            }
            done => return done,
        }
    }
}

async fn erase(keys: &dyn SubjectKeys, rows: &dyn AccountRows, erasure: &Erasure) -> Result<Erased, EraseError> {
    let mut tries = 0;
    loop {
        let subject = keys.subject_of(&erasure.name).await?;
        let event = AccessEvent::SubjectErased { subject };
        let told = of_nobody(rows, erasure.at, &erasure.by, event).await?;
        match keys.erase(&erasure.name, subject, told).await {
            Err(EraseError::Log(error)) if error.kind == LogErrorKind::Conflict && tries < TRIES => tries += 1,
            done => return done,
        }
    }
}

/// An event about no account, with its place in the stream that those share.
async fn of_nobody(
    rows: &dyn AccountRows,
    at: Timestamp,
    by: &Actor,
    event: AccessEvent,
) -> Result<NewEvent, LogError> {
    let (stream, last) = (Stream::Account(AccountId::NOBODY), rows.last_version(AccountId::NOBODY).await?);
    Ok(NewEvent { stream, version: last + 1, at, by: by.clone(), event: Event::Account(event) })
}

/// Changes accounts, and appends what the log says of it. Those that work beside others take turns.
pub async fn change_accounts(rows: &dyn AccountRows, change: AccessChange) -> Result<Vec<Envelope>, LogError> {
    let AccessChange { writes, records } = change;
    let mut events = numbered(rows, &records).await?;
    loop {
        match rows.append_with(&writes, &events).await {
            Err(error) if error.kind == LogErrorKind::Conflict => {
                let again = numbered(rows, &records).await?;
                // Where all streams end as they did, it is the accounts that have changed.
                if again.iter().map(|event| event.version).eq(events.iter().map(|event| event.version)) {
                    return Err(error);
                }
                events = again;
            }
            done => return done,
        }
    }
}

/// Each event with its place in the account's stream.
async fn numbered(rows: &dyn AccountRows, records: &[AccessRecord]) -> Result<Vec<NewEvent>, LogError> {
    let mut events: Vec<NewEvent> = Vec::with_capacity(records.len());
    for AccessRecord { account, at, by, event } in records.iter().cloned() {
        let stream = Stream::Account(account);
        let last = match events.iter().rev().find(|earlier| earlier.stream == stream) {
            Some(earlier) => earlier.version,
            None => rows.last_version(account).await?,
        };
        events.push(NewEvent { stream, version: last + 1, at, by, event: Event::Account(event) });
    }
    Ok(events)
}

#[async_trait]
impl Subjects for SubjectsInTurn {
    fn encryption(&self) -> EncryptionState {
        self.keys.encryption()
    }

    async fn erase(&self, erasure: Erasure) -> Result<Erased, EraseError> {
        self.turns.take(erase(self.keys.as_ref(), self.rows.as_ref(), &erasure)).await
    }
}

#[async_trait]
impl Accounts for AccountsInTurn {
    async fn commit(&self, change: AccessChange) -> Result<Vec<Envelope>, LogError> {
        self.turns.take(change_accounts(self.rows.as_ref(), change)).await
    }
}

#[async_trait]
impl AccountRows for AccountsInTurn {
    async fn accounts(&self) -> Result<Vec<Account>, LogError> {
        self.rows.accounts().await
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>, LogError> {
        self.rows.account(id).await
    }

    async fn account_named(&self, name: &AccountName) -> Result<Option<Account>, LogError> {
        self.rows.account_named(name).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, LogError> {
        self.rows.tokens().await
    }

    async fn token_of(&self, secret: &SecretHash) -> Result<Option<Token>, LogError> {
        self.rows.token_of(secret).await
    }

    async fn session_of(&self, secret: &SecretHash) -> Result<Option<Session>, LogError> {
        self.rows.session_of(secret).await
    }

    async fn used(&self, what: Used, at: Timestamp) -> Result<(), LogError> {
        self.rows.used(what, at).await
    }

    async fn last_version(&self, account: AccountId) -> Result<u64, LogError> {
        self.rows.last_version(account).await
    }

    async fn append_with(&self, writes: &[AccessWrite], events: &[NewEvent]) -> Result<Vec<Envelope>, LogError> {
        self.turns.take(self.rows.append_with(writes, events)).await
    }
}
