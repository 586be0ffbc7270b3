//! The accounts of a store that was never made: none to readers, and closed to writers. Makes nothing.

use async_trait::async_trait;

use super::absent::not_made;
use crate::domain::{AccountId, AccountName, Timestamp};
use crate::kinds::Envelope;
use crate::ports::{AccessWrite, Account, AccountRows, LogError, NewEvent, SecretHash, Session, Token, Used};

/// Nobody.
#[derive(Clone, Copy, Debug)]
pub struct AbsentAccounts;

#[async_trait]
impl AccountRows for AbsentAccounts {
    async fn accounts(&self) -> Result<Vec<Account>, LogError> {
        Ok(Vec::new())
    }

    async fn account(&self, _: AccountId) -> Result<Option<Account>, LogError> {
        Ok(None)
    }

    async fn account_named(&self, _: &AccountName) -> Result<Option<Account>, LogError> {
        Ok(None)
    }

    async fn tokens(&self) -> Result<Vec<Token>, LogError> {
        Ok(Vec::new())
    }

    async fn token_of(&self, _: &SecretHash) -> Result<Option<Token>, LogError> {
        Ok(None)
    }

    async fn session_of(&self, _: &SecretHash) -> Result<Option<Session>, LogError> {
        Ok(None)
    }

    async fn used(&self, _: Used, _: Timestamp) -> Result<(), LogError> {
        Err(not_made())
    }

    async fn last_version(&self, _: AccountId) -> Result<u64, LogError> {
        Ok(0)
    }

    async fn append_with(&self, _: &[AccessWrite], _: &[NewEvent]) -> Result<Vec<Envelope>, LogError> {
        Err(not_made())
    }
}
