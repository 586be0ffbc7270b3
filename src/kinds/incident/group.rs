//! Which alerts belong together, and the id of the incident that they begin.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::domain::{IncidentId, Timestamp};

/// The alerts of one group: a hash of whatever the source groups them by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct GroupKey(String);

impl GroupKey {
    /// Of parts that cannot be mistaken for one another, whatever they contain.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hex::encode(hash.finalize()))
    }

    /// The group of groups for which there is no room; no source has it.
    pub fn overflow() -> Self {
        Self::of(["too many incidents"])
    }

    /// The key with this digest.
    pub fn of_digest(digest: &str) -> Self {
        Self(digest.to_owned())
    }

    /// Some of its alerts, as a group of their own that began with the event `version` of `incident`.
    pub(super) fn part(&self, incident: IncidentId, version: u64) -> Self {
        Self::of([self.digest(), &incident.to_string(), &version.to_string()])
    }

    /// Its beginning: enough to tell the groups of one incident apart.
    pub(super) fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }

    /// The hash, in lower-case hex.
    pub fn digest(&self) -> &str {
        &self.0
    }

    /// The incident that the group's alert of this time begins: the same in every process and each time it is told. Like
    /// every id, it begins with the time.
    pub fn incident(&self, first: Timestamp) -> IncidentId {
        let second = first.timestamp().max(0);
        let hash = Sha256::new().chain_update(&self.0).chain_update(second.to_be_bytes()).finalize();
        let mut tail = [0; 10];
        tail.copy_from_slice(&hash[..10]);
        let millis = u64::try_from(second).unwrap_or(0).saturating_mul(1000);
        IncidentId(Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
    }
}

/// The alerts of a group that belong to an incident.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    pub group: GroupKey,
    /// Only the alerts with these fingerprints; all of the group where there are none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub only: BTreeSet<String>,
}

impl Claim {
    pub fn is_of(&self, group: &GroupKey, fingerprint: &str) -> bool {
        self.group == *group && (self.only.is_empty() || self.only.contains(fingerprint))
    }
}

impl fmt::Debug for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_begins_the_same_incident_each_time() {
        let at: Timestamp = "2026-11-30T07:14:18.837Z".parse().unwrap();
        let group = GroupKey::of(["alertname", "HighErr"]);
        assert_eq!(group.incident(at), GroupKey::of(["alertname", "HighErr"]).incident(at));
        assert_ne!(group, GroupKey::of(["alertnameH", "ighErr"]));
        let later = group.incident(at + chrono::TimeDelta::seconds(1));
        assert!(later > group.incident(at) && later.0.get_version_num() == 7);
        let cut: Timestamp = "2026-11-30T07:14:18Z".parse().unwrap();
        assert_eq!(group.incident(at), group.incident(cut), "some tell of the time to the second only");
    }
}
