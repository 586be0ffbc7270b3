//! The two ends of a copy.

use async_trait::async_trait;

use super::part::{Part, Record};
use crate::ports::{Head, LogError, VerifyReport};
use crate::store::examiner::Examination;

/// One state of a tenant's part of a store, while others go on writing.
#[async_trait]
pub(in crate::store) trait Reading: Send {
    /// The store, as people know it.
    fn place(&self) -> &str;

    /// Whether this store has a table for it.
    fn holds(&self, part: &Part) -> bool;

    /// The next records after one, in the order of their keys, at most `part.piece`; none at the end.
    async fn piece(&mut self, part: &'static Part, after: Option<&Record>) -> Result<Vec<Record>, LogError>;

    /// As `Log::verify`, of this state, but for what was pruned; the heads that the store itself keeps are looked at too.
    async fn examine(&mut self, saved: &[Head]) -> Result<Examination, LogError>;

    /// The rest of it: whether the log tells of what was pruned. Asks the store itself, so only of what is committed.
    async fn confirm(&self, examination: Examination) -> Result<VerifyReport, LogError>;
}

/// A tenant's part of a store that is being filled. Dropped without `commit`, nothing of it happened.
#[async_trait]
pub(in crate::store) trait Filling: Reading {
    async fn put(&mut self, part: &'static Part, records: Vec<Record>) -> Result<(), LogError>;

    /// The log ends here.
    async fn end_at(&mut self, head: &Head) -> Result<(), LogError>;

    async fn commit(self: Box<Self>) -> Result<(), LogError>;
}
