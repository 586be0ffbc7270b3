//! What may be asked of a request to a person.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{Action, ApprovalId, Settlement, Untrusted};
use crate::kinds::{Command, Verb, Words};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum ApprovalVerb {
    /// Decide on a card. `digest` is the whole digest, or the shown part of it.
    Approve {
        digest: String,
    },
    Deny {
        reason: Untrusted,
    },
    /// Ask again for the same call with other arguments. `digest` as for `Approve`; `args` are all of the arguments, an
    /// object as the tool's schema wants it.
    Edit {
        digest: String,
        args: Value,
    },
    Answer {
        text: Untrusted,
    },
    Settle {
        settlement: Settlement,
        note: Untrusted,
    },
    /// Asked by the timer alone.
    Expire,
}

impl ApprovalVerb {
    pub fn on(self, id: ApprovalId) -> Command {
        Command::Approval { id, verb: self }
    }
}

impl Verb for ApprovalVerb {
    fn action(&self) -> Action {
        match self {
            // What the card is about may make it less.
            Self::Approve { .. } => Action::ApproveCritical,
            Self::Deny { .. } => Action::Deny,
            // Nothing runs by it: what it becomes is approved by somebody who may, as it then stands.
            Self::Edit { .. } => Action::Edit,
            Self::Answer { .. } => Action::Answer,
            Self::Settle { .. } => Action::Settle,
            Self::Expire => Action::Orchestrate,
        }
    }

    fn words(&mut self, each: &mut dyn FnMut(Words<'_>)) {
        match self {
            Self::Deny { reason } => each(Words::Text(reason)),
            Self::Edit { args, .. } => each(Words::Json(args)),
            Self::Answer { text } => each(Words::Text(text)),
            Self::Settle { note, .. } => each(Words::Text(note)),
            // A digest is compared and never stored as given.
            Self::Approve { .. } | Self::Expire => {}
        }
    }
}
