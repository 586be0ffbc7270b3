//! What may be asked of a request to a person.

use serde_json::Value;

use crate::domain::{Settlement, Untrusted};
use crate::kinds::{Verb, Words, verbs};

verbs! {
    /// What may be asked of a request to a person.
    ///
    /// To approve is declared with the most it can take; what the card is about may make it less. To edit takes little,
    /// since nothing runs by it: what it becomes is approved by somebody who may, as it then stands.
    ApprovalVerb of Approval {
        /// Approve an effect
        Approve {
            /// The digest that the card shows, whole or at least 8 digits of it.
            digest: String,
        } = "approve", ApproveCritical;
        /// Deny an effect, or decline to answer a question
        Deny {
            /// What the agent is told.
            reason: Untrusted,
        } = "deny", Deny;
        /// Change what an agent asks to do; the changed call needs its own approval
        Edit {
            /// The digest that the card shows, whole or at least 8 digits of it.
            digest: String,
            /// All of the arguments, an object as the tool's schema wants it.
            args: Value,
        } = "edit", Edit;
        /// Answer an agent's question
        Answer {
            text: Untrusted,
        } = "answer", Answer;
        /// Record the outcome of an effect that is in doubt
        Settle {
            settlement: Settlement,
            /// How you know.
            note: Untrusted,
        } = "settle", Settle;
        /// Let it expire, once its time is over
        Expire = "expire", Orchestrate;
    }
}

impl Verb for ApprovalVerb {
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
