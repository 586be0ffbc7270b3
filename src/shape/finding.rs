//! What an examination found: what works, and what to do about the rest.

use schemars::JsonSchema;
use serde::Serialize;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// `store`, `model`, `sandbox`, …
    pub subject: String,
    pub verdict: Health,
    pub detail: String,
    /// What to do; empty when all is well.
    pub advice: String,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Ok,
    /// It works, or does without.
    Warn,
    Fail,
}

impl Finding {
    pub fn ok(subject: &str, detail: impl Into<String>) -> Self {
        Self { subject: subject.to_owned(), verdict: Health::Ok, detail: detail.into(), advice: String::new() }
    }

    pub fn warn(subject: &str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Health::Warn, advice: advice.into(), ..Self::ok(subject, detail) }
    }

    pub fn fail(subject: &str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Health::Fail, ..Self::warn(subject, detail, advice) }
    }
}
