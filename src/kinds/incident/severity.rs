//! How bad an alert is, by what its labels say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::labels::Labels;

/// How bad it is; the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

/// Words in use for it. Anything else, and nothing at all, is a warning: neither slept through nor cried.
const WORDS: &[(Severity, &[&str])] = &[
    (Severity::Critical, &["critical", "crit", "page", "fatal", "emergency", "disaster", "p1", "sev1", "1"]),
    (Severity::Info, &["info", "informational", "notice", "none", "low", "debug", "p4", "p5", "sev4", "sev5"]),
];

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// Whether a label says how bad it is, in whatever words.
    pub(super) fn is_said(labels: &Labels) -> bool {
        ["severity", "priority"].iter().any(|name| labels.get(name).is_some_and(|said| !said.trim().is_empty()))
    }

    /// The severity of this name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Critical].into_iter().find(|severity| severity.name() == name)
    }

    /// What the label `severity` says, or `priority` where there is none.
    pub fn of(labels: &Labels) -> Self {
        let said = labels.get("severity").or_else(|| labels.get("priority")).unwrap_or_default().to_ascii_lowercase();
        let found = WORDS.iter().find(|(_, words)| words.contains(&said.as_str()));
        found.map_or(Self::Warning, |(severity, _)| *severity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_says_how_bad_it_is() {
        for (label, value, severity) in [
            ("severity", "Critical", Severity::Critical),
            ("severity", "page", Severity::Critical),
            ("severity", "warning", Severity::Warning),
            ("severity", "\u{202e}critical", Severity::Warning),
            ("severity", "info", Severity::Info),
            ("priority", "P1", Severity::Critical),
            ("team", "critical", Severity::Warning),
        ] {
            let labels = Labels::bounded([(label.to_owned(), value.to_owned())]);
            assert_eq!(Severity::of(&labels), severity, "{label}={value}");
        }
    }
}
