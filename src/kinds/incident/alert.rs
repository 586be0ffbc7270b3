//! One alert as somebody else's monitoring tells of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::labels::Labels;
use super::marks::Marks;
use super::severity::Severity;
use crate::domain::{Timestamp, Untrusted};

/// Labels that a line about an alert names.
const MOST_NAMED: usize = 4;

/// An alert as it was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// What it is known by: the same for the same labels.
    pub fingerprint: String,
    pub starts_at: Timestamp,
    /// When it ended; `None` while it fires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    pub labels: Labels,
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub annotations: Labels,
    /// Where its rule can be looked at.
    #[serde(default, skip_serializing_if = "Untrusted::is_empty")]
    pub url: Untrusted,
    /// Who told of it.
    #[serde(default, skip_serializing_if = "Untrusted::is_empty")]
    pub source: Untrusted,
    #[serde(default, skip_serializing_if = "Marks::is_empty")]
    pub marks: Marks,
}

impl Alert {
    pub fn severity(&self) -> Severity {
        Severity::of(&self.labels)
    }

    /// Its name and what tells it from the others in its group, on one line.
    pub fn line(&self, shared: &Labels) -> Untrusted {
        let mut words = vec![self.labels.get("alertname").unwrap_or("alert").to_owned()];
        let own = self.labels.iter().filter(|(name, value)| {
            !matches!(name.raw(), "alertname" | "severity") && shared.get(name.raw()) != Some(value.raw())
        });
        words.extend(own.take(MOST_NAMED).map(|(name, value)| format!("{}={}", name.raw(), value.raw())));
        words.join(" ").into()
    }

    /// What its rule says of it.
    pub fn summary(&self) -> Option<&str> {
        self.annotations.get("summary").or_else(|| self.annotations.get("description"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_an_alert_from_the_others_of_its_group() {
        let labels = |pairs: &[(&str, &str)]| {
            Labels::bounded(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
        };
        let alert = Alert {
            fingerprint: "a".to_owned(),
            starts_at: Timestamp::default(),
            ended_at: None,
            labels: labels(&[("alertname", "HighErr"), ("severity", "critical"), ("svc", "api"), ("zone", "b")]),
            annotations: Labels::default(),
            url: Untrusted::default(),
            source: Untrusted::default(),
            marks: Marks::default(),
        };
        assert_eq!(alert.line(&labels(&[("svc", "api")])).raw(), "HighErr zone=b");
    }
}
