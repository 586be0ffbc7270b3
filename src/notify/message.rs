//! What people are told, whatever tells them.

use crate::domain::{ApprovalId, CardDigest, Timestamp};
use crate::kinds::{Severity, Stream, Tidings};

/// One message. Its texts have been made visible: nothing in them is hidden, and each but `text` is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What this very message is known by, however often it is sent.
    pub id: String,
    /// What the matter is known by, in all messages about it.
    pub key: String,
    pub tidings: Tidings,
    /// What it is about; nothing for a test.
    pub about: Option<Stream>,
    pub severity: Severity,
    pub title: String,
    /// Names and values.
    pub facts: Vec<(String, String)>,
    /// All there is to say, in lines.
    pub text: String,
    pub person: Option<String>,
    pub at: Timestamp,
    /// How it went on: `approved by ana`; empty while somebody is needed.
    pub outcome: String,
    /// What the other side calls the message that this one takes the place of; empty for a new one.
    pub receipt: String,
    /// What can be decided right there.
    pub decision: Option<Decision>,
}

/// A decision on a request whose card the message shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub approval: ApprovalId,
    pub digest: CardDigest,
    /// Why it cannot be approved there, where it can only be denied.
    pub only_deny: Option<&'static str>,
}

impl Message {
    /// On one line, for where there is room for one.
    pub fn headline(&self) -> String {
        let person = self.person.as_ref().map(|person| format!(" (for {person})")).unwrap_or_default();
        let outcome = if self.outcome.is_empty() { String::new() } else { format!("{}: ", self.outcome) };
        format!("[{}] {outcome}{}{person}", self.severity.name(), self.title)
    }
}

/// The beginning of a text that is too long, with `…` behind it.
pub(super) fn cut(text: &str, most: usize) -> String {
    crate::domain::Untrusted::from(text).cut(most).into_raw()
}
