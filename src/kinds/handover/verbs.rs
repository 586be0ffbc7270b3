//! What may be asked of a handover.

use crate::domain::Untrusted;
use crate::kinds::{Verb, Words, verbs};

verbs! {
    /// What may be asked of a handover.
    HandoverVerb of Handover {
        /// Write what is open, what happened since the last handover, and what it cost
        Write {
            /// What the next person should know.
            note: Untrusted,
        } = "write", HandleIncidents, begins;
        /// Sign it: you have read it and take over
        Sign = "sign", HandleIncidents;
        /// Wait no longer for a signature
        Lapse = "lapse", Orchestrate;
    }
}

impl Verb for HandoverVerb {
    fn words(&mut self, each: &mut dyn FnMut(Words<'_>)) {
        match self {
            Self::Write { note } => each(Words::Text(note)),
            Self::Sign | Self::Lapse => {}
        }
    }
}
