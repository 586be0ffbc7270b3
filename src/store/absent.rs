//! The log of a store that was never made: empty to whoever looks, and closed to whoever writes. Makes nothing.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::domain::AccountId;
use crate::domain::AccountName;
use crate::domain::BlobId;
use crate::domain::Envelope;
use crate::domain::Page;
use crate::domain::RunId;
use crate::domain::Stream;
use crate::fold::Row;
use crate::ports::AccessChange;
use crate::ports::Account;
use crate::ports::Accounts;
use crate::ports::Batch;
use crate::ports::Head;
use crate::ports::Lease;
use crate::ports::Log;
use crate::ports::LogError;
use crate::ports::LogErrorKind;
use crate::ports::RowFilter;
use crate::ports::SecretHash;
use crate::ports::Session;
use crate::ports::Token;
use crate::ports::Used;
use crate::ports::VerifyReport;

/// Nothing, as a log.
#[derive(Clone, Copy, Debug)]
pub struct AbsentLog;

pub(super) fn not_made() -> LogError {
    LogError::new(LogErrorKind::Unusable, "there is no store yet", "start `morningai` once to create it")
}

#[async_trait]
impl Log for AbsentLog {
    async fn append(&self, _: Batch) -> Result<Vec<Envelope>, LogError> {
        Err(not_made())
    }

    async fn read(&self, _: u64, _: u32) -> Result<Vec<Envelope>, LogError> {
        Ok(Vec::new())
    }

    async fn read_stream(&self, _: Stream, _: u64, _: u32) -> Result<Vec<Envelope>, LogError> {
        Ok(Vec::new())
    }

    async fn read_back(&self, _: u64, _: u32, _: Option<&str>) -> Result<Page<Envelope>, LogError> {
        Ok(Page { rows: Vec::new(), more: false })
    }

    async fn head(&self) -> Result<Head, LogError> {
        Ok(Head::default())
    }

    /// Nobody will ever send: whoever waits for more learns at once that there will be none.
    fn watch_head(&self) -> watch::Receiver<u64> {
        watch::Sender::new(0).subscribe()
    }

    async fn rows(&self, _: RowFilter) -> Result<Page<Row>, LogError> {
        Ok(Page { rows: Vec::new(), more: false })
    }

    async fn replace_rows(&self, _: Vec<Row>) -> Result<(), LogError> {
        Err(not_made())
    }

    async fn put_blob(&self, _: &[u8]) -> Result<BlobId, LogError> {
        Err(not_made())
    }

    async fn get_blob(&self, _: &BlobId) -> Result<Option<Vec<u8>>, LogError> {
        Ok(None)
    }

    async fn claim(&self, _: RunId, _: &str, _: Duration) -> Result<Option<Lease>, LogError> {
        Err(not_made())
    }

    async fn release(&self, _: &Lease) -> Result<(), LogError> {
        Ok(())
    }

    async fn verify(&self, _: &[Head]) -> Result<VerifyReport, LogError> {
        Ok(VerifyReport { events: 0, head: Head::default(), checked: Vec::new(), problems: Vec::new() })
    }
}

#[async_trait]
impl Accounts for AbsentLog {
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

    async fn commit(&self, _: AccessChange) -> Result<Vec<Envelope>, LogError> {
        Err(not_made())
    }

    async fn used(&self, _: Used, _: Timestamp) -> Result<(), LogError> {
        Ok(())
    }
}
