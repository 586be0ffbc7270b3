//! What one page is told from another by, and its id, which follows from that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::domain::{PageId, RunId, Timestamp};
use crate::kinds::Stream;

/// What one page is told from another by. Who was on call is not a part of it: two processes that look at the moment of a
/// handover still page once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PageKey {
    /// The incident or the request.
    #[schemars(with = "String")]
    pub about: Stream,
    /// The run that made the request; the page is removed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Since when it has been waiting for somebody: an incident that opens again pages again.
    pub since: Timestamp,
    /// Number of the step, from 0, through all policies that follow one another.
    pub step: u32,
    /// The schedule or person that the step names.
    pub target: String,
    /// Empty where nobody is on call, and so nobody can be reached.
    pub notifier: String,
}

impl PageKey {
    /// The same in every process and each time it is asked for. Like every id, it begins with the time.
    pub fn page(&self) -> PageId {
        let mut hash = Sha256::new();
        let (kind, id) = self.about.parts();
        hash.update(kind);
        hash.update(id.as_bytes());
        hash.update(self.since.timestamp_micros().to_be_bytes());
        hash.update(self.step.to_be_bytes());
        for name in [&self.target, &self.notifier] {
            hash.update((name.len() as u64).to_be_bytes());
            hash.update(name);
        }
        let mut tail = [0; 10];
        tail.copy_from_slice(&hash.finalize()[..10]);
        let millis = u64::try_from(self.since.timestamp_millis()).unwrap_or(0);
        PageId(Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
    }

    /// What the other side knows the matter by: one for an incident or request and its episode, so that what pages it
    /// twice there is one thing there.
    pub fn dedup(&self) -> String {
        let (kind, id) = self.about.parts();
        format!("morningai-{kind}-{id}-{}", self.since.timestamp_millis())
    }

    /// Whether it is for the same step and target as another one.
    pub fn is_beside(&self, other: &Self) -> bool {
        (self.about, self.since, self.step, &self.target) == (other.about, other.since, other.step, &other.target)
    }
}
