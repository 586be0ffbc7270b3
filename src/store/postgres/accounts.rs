//! The port of accounts joined to what performs it: rows found by name and by hash, and changes with their events.

use async_trait::async_trait;

use super::log::PostgresLog;
use super::{access, change};
use crate::domain::{AccountId, AccountName, Timestamp};
use crate::kinds::{Envelope, Stream};
use crate::ports::{AccessWrite, Account, AccountRows, LogError, NewEvent, SecretHash, Session, Token, Used};

#[async_trait]
impl AccountRows for PostgresLog {
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
        access::used(&self.store, what, at).await
    }

    async fn last_version(&self, account: AccountId) -> Result<u64, LogError> {
        change::last_version(&self.store, Stream::Account(account)).await
    }

    async fn append_with(&self, writes: &[AccessWrite], events: &[NewEvent]) -> Result<Vec<Envelope>, LogError> {
        change::append_with(&self.store, writes.to_vec(), events.to_vec()).await
    }
}
