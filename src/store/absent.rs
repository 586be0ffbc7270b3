//! The log of a store that was never made: empty to readers, and closed to writers. Makes nothing.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::domain::{BlobId, IdempotencyKey, RunId, SubjectId, Timestamp};
use crate::kinds::{Envelope, Row, Stream};
use crate::ports::{
    Answered, Batch, EncryptionState, EraseError, Erased, Head, Lease, Log, LogError, LogErrorKind, NewEvent, Page,
    RowQuery, StoredOutput, StoredOutputs, SubjectKeys, VerifyReport,
};

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

    /// Nobody will ever send: a reader that waits for more learns at once that there will be none.
    fn watch_head(&self) -> watch::Receiver<u64> {
        watch::Sender::new(0).subscribe()
    }

    async fn rows(&self, _: RowQuery) -> Result<Page<Row>, LogError> {
        Ok(Page { rows: Vec::new(), more: false })
    }

    async fn replace_rows(&self, _: u64, _: &[Row]) -> Result<(), LogError> {
        Err(not_made())
    }

    async fn answer_to(&self, _: &IdempotencyKey) -> Result<Option<Answered>, LogError> {
        Ok(None)
    }

    async fn forget_answers(&self, _: Timestamp) -> Result<(), LogError> {
        Ok(())
    }

    async fn put_blob(&self, _: &[u8]) -> Result<BlobId, LogError> {
        Err(not_made())
    }

    async fn get_blob(&self, _: &BlobId) -> Result<Option<Vec<u8>>, LogError> {
        Ok(None)
    }

    async fn blob_ids(&self, _: Option<&BlobId>, _: u32) -> Result<Vec<BlobId>, LogError> {
        Ok(Vec::new())
    }

    async fn claim(&self, _: RunId, _: &str, _: Duration) -> Result<Option<Lease>, LogError> {
        Err(not_made())
    }

    async fn release(&self, _: &Lease) -> Result<(), LogError> {
        Ok(())
    }

    async fn verify(&self, _: &[Head]) -> Result<VerifyReport, LogError> {
        Ok(VerifyReport { events: 0, pruned: 0, head: Head::default(), checked: Vec::new(), problems: Vec::new() })
    }
}

#[async_trait]
impl StoredOutputs for AbsentLog {
    async fn stored_outputs(&self, _: Option<&StoredOutput>, _: u32) -> Result<Vec<StoredOutput>, LogError> {
        Ok(Vec::new())
    }

    fn found_by(&self, _: &BlobId) -> Option<Vec<u8>> {
        None
    }
}

#[async_trait]
impl SubjectKeys for AbsentLog {
    fn encryption(&self) -> EncryptionState {
        EncryptionState::Plain
    }

    async fn subject_of(&self, _: &str) -> Result<SubjectId, EraseError> {
        Err(not_made().into())
    }

    async fn erase(&self, _: &str, _: SubjectId, _: NewEvent) -> Result<Erased, EraseError> {
        Err(not_made().into())
    }
}
