//! A log with a hook before and after each call: for faults, crashes and counts. It changes nothing by itself.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use morningai::domain::{BlobId, IdempotencyKey, RunId, Timestamp};
use morningai::kinds::{Envelope, Row, Stream};
use morningai::ports::{Answered, Batch, Head, Lease, Log, LogError, Page, RowQuery, VerifyReport};
use tokio::sync::watch;

/// What is asked of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Append,
    Claim(RunId),
    Release,
    PutBlob,
    Read,
}

impl Call {
    pub fn writes(self) -> bool {
        !matches!(self, Self::Read)
    }
}

#[async_trait]
pub trait Hook: Send + Sync {
    /// An error is what the caller gets; the log is then not asked.
    async fn before(&self, _call: Call) -> Result<(), LogError> {
        Ok(())
    }

    /// The log has done it, and the caller does not know yet.
    async fn after(&self, _call: Call) {}
}

pub struct Hooked<H> {
    pub log: Arc<dyn Log>,
    pub hook: H,
}

impl<H: Hook> Hooked<H> {
    async fn around<T>(&self, call: Call, asked: impl Future<Output = Result<T, LogError>>) -> Result<T, LogError> {
        self.hook.before(call).await?;
        let answer = asked.await;
        self.hook.after(call).await;
        answer
    }
}

#[async_trait]
impl<H: Hook> Log for Hooked<H> {
    async fn append(&self, batch: Batch) -> Result<Vec<Envelope>, LogError> {
        self.around(Call::Append, self.log.append(batch)).await
    }

    async fn read(&self, after: u64, limit: u32) -> Result<Vec<Envelope>, LogError> {
        self.around(Call::Read, self.log.read(after, limit)).await
    }

    async fn read_stream(&self, stream: Stream, after: u64, limit: u32) -> Result<Vec<Envelope>, LogError> {
        self.around(Call::Read, self.log.read_stream(stream, after, limit)).await
    }

    async fn read_back(&self, before: u64, limit: u32, text: Option<&str>) -> Result<Page<Envelope>, LogError> {
        self.around(Call::Read, self.log.read_back(before, limit, text)).await
    }

    async fn head(&self) -> Result<Head, LogError> {
        self.around(Call::Read, self.log.head()).await
    }

    fn watch_head(&self) -> watch::Receiver<u64> {
        self.log.watch_head()
    }

    async fn rows(&self, wanted: RowQuery) -> Result<Page<Row>, LogError> {
        self.around(Call::Read, self.log.rows(wanted)).await
    }

    async fn replace_rows(&self, after: u64, rows: &[Row]) -> Result<(), LogError> {
        self.log.replace_rows(after, rows).await
    }

    async fn answer_to(&self, key: &IdempotencyKey) -> Result<Option<Answered>, LogError> {
        self.around(Call::Read, self.log.answer_to(key)).await
    }

    async fn forget_answers(&self, before: Timestamp) -> Result<(), LogError> {
        self.log.forget_answers(before).await
    }

    async fn put_blob(&self, content: &[u8]) -> Result<BlobId, LogError> {
        self.around(Call::PutBlob, self.log.put_blob(content)).await
    }

    async fn get_blob(&self, blob: &BlobId) -> Result<Option<Vec<u8>>, LogError> {
        self.around(Call::Read, self.log.get_blob(blob)).await
    }

    async fn blob_ids(&self, after: Option<&BlobId>, limit: u32) -> Result<Vec<BlobId>, LogError> {
        self.around(Call::Read, self.log.blob_ids(after, limit)).await
    }

    async fn claim(&self, run: RunId, owner: &str, lasting: Duration) -> Result<Option<Lease>, LogError> {
        self.around(Call::Claim(run), self.log.claim(run, owner, lasting)).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), LogError> {
        self.around(Call::Release, self.log.release(lease)).await
    }

    async fn verify(&self, saved: &[Head]) -> Result<VerifyReport, LogError> {
        self.around(Call::Read, self.log.verify(saved)).await
    }
}
