//! What was said of how bad an incident is, where its alerts do not say: by a model, and by a person.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::severity::Severity;
use crate::domain::{Actor, RunId, Untrusted};

/// What a model said of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judged {
    pub run: RunId,
    /// None where it said nothing that is a severity.
    pub severity: Option<Severity>,
    /// Why, in the model's words; or why there is no severity.
    pub reason: Untrusted,
}

/// What a person said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeveritySet {
    #[schemars(with = "String")]
    pub by: Actor,
    /// The worst of its alerts then: another one that is worse makes the incident worse again.
    pub over: Severity,
}

/// `critical: nobody can pay`
pub(super) fn said(severity: Option<Severity>, reason: &Untrusted) -> Untrusted {
    format!("{}: {}", severity.map_or("not known", Severity::name), reason.raw()).into()
}
