//! What a maintenance window is: its name, the alerts it is for, and its time. Its id follows from that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::domain::{MaintenanceId, Matching, Timestamp, Untrusted};

/// A window, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MaintenanceOrder {
    pub name: Untrusted,
    /// The alerts that it holds back, by their labels.
    #[schemars(with = "std::collections::BTreeMap<String, Vec<String>>")]
    pub matching: Matching,
    pub from: Timestamp,
    pub until: Timestamp,
}

impl MaintenanceOrder {
    /// The same in every process that has the same window in its configuration. Like every id, it begins with the time.
    pub fn id(&self) -> MaintenanceId {
        let mut hash = Sha256::new();
        for part in [self.name.raw(), &self.matching.line()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(self.from.timestamp().to_be_bytes());
        hash.update(self.until.timestamp().to_be_bytes());
        let mut tail = [0; 10];
        tail.copy_from_slice(&hash.finalize()[..10]);
        let millis = u64::try_from(self.from.timestamp_millis()).unwrap_or(0);
        MaintenanceId(Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
    }
}
