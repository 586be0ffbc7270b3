//! The effect card: everything about an action that a person approves, and the digest that binds the approval.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::text::Untrusted;
use super::tool::{EffectClass, Repeat, ToolName};

/// Where an effect lands. Production is shown as a banner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    Workspace,
    Host,
    Remote,
    Staging,
    Production,
}

impl Environment {
    pub fn name(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Host => "host",
            Self::Remote => "remote",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// How bad it is if this turns out to be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    Low,
    Medium,
    High,
    /// Approved only by typing the target's name.
    Critical,
}

impl Risk {
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Whether it can be taken back, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reversibility {
    /// Nothing changes.
    NothingToUndo,
    /// In these words, e.g. `git push origin --delete fix/parser`.
    Undo(Untrusted),
    Irreversible,
    /// Not inspectable, so treated as irreversible.
    Unknown,
}

impl Reversibility {
    pub fn is_reversible(&self) -> bool {
        matches!(self, Self::NothingToUndo | Self::Undo(_))
    }
}

/// Exactly what will run. No field is advice: the executor takes all of them from here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Payload {
    /// A program, one argument an element; `env` names what differs from the clean environment.
    Exec { argv: Vec<Untrusted>, cwd: Untrusted, env: Vec<Untrusted> },
    /// A change of one file. `before` is the SHA-256 of the content it applies to, empty for a new file.
    Patch { path: Untrusted, before: String, diff: Untrusted },
    /// Files that will cease to exist.
    Delete { paths: Vec<Untrusted> },
    /// The tool's own typed arguments say it all.
    Arguments { args: Value },
}

/// An action, resolved: drawn from what will really happen, never from the agent's words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EffectCard {
    pub tool: ToolName,
    pub class: EffectClass,
    pub repeat: Repeat,
    /// What happens, as one lower-case verb: `read`, `edit`, `run`, `commit`, `push`, `delete`.
    pub verb: String,
    /// What it happens to, resolved: absolute or workspace-relative paths, `origin/fix-parser`, a host.
    pub targets: Vec<Untrusted>,
    pub environment: Environment,
    pub risk: Risk,
    pub reversible: Reversibility,
    pub payload: Payload,
    /// Facts the policy may ask about, e.g. `force: true`, `branch: "main"`, `uninspectable: true`.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub facts: serde_json::Map<String, Value>,
    /// The rung of the sandbox it will run on; empty when nothing is executed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub confinement: String,
    /// What leaves or is kept with the effect, as a unified diff, for people to read: the executor takes what it does
    /// from the payload, which names the same content by its ids. Cut with a last line that says so, and such a card
    /// cannot be approved. Never empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Untrusted>,
}

/// SHA-256 over the canonical JSON (RFC 8785) of a card, lower-case hex: what a decision names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CardDigest(pub String);

impl CardDigest {
    /// The first characters, as a card shows them and `--digest` takes them.
    pub const SHOWN: usize = 12;
    /// The fewest characters `--digest` accepts.
    pub const LEAST: usize = 8;

    pub fn of<T: Serialize>(value: &T) -> Self {
        use sha2::Digest;
        // A card is made of maps with string keys and finite numbers, so it always serializes; should that
        // ever change, the digest of nothing matches no card and the effect is refused.
        let canonical = serde_jcs::to_vec(value).unwrap_or_default();
        Self(hex::encode(sha2::Sha256::digest(canonical)))
    }

    pub fn shown(&self) -> &str {
        self.0.get(..Self::SHOWN).unwrap_or(&self.0)
    }

    /// Whether `prefix` names this digest: hex, and long enough to mean it.
    pub fn matches(&self, prefix: &str) -> bool {
        prefix.len() >= Self::LEAST && self.0.starts_with(&prefix.to_ascii_lowercase())
    }
}

impl fmt::Display for CardDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl EffectCard {
    /// The fact that holds what a person should know before deciding: a list of sentences.
    pub const NOTICES: &str = "notices";

    /// What a person should know before deciding.
    pub fn notices(&self) -> impl Iterator<Item = Untrusted> {
        let notices = self.facts.get(Self::NOTICES).and_then(Value::as_array).into_iter().flatten();
        notices.filter_map(Value::as_str).map(Untrusted::from)
    }

    pub fn digest(&self) -> CardDigest {
        CardDigest::of(self)
    }

    /// How the last line of a change begins that was cut. No line of a diff can begin like it.
    pub const CUT: &str = "[cut here: ";

    /// Whether more leaves or changes than stands on the card, so that nobody can have read it.
    pub fn change_is_cut(&self) -> bool {
        let last = self.change.as_ref().and_then(|change| change.raw().lines().next_back());
        last.is_some_and(|last| last.starts_with(Self::CUT))
    }

    /// The first target's name, or the head of the digest where a keyboard cannot type that name.
    pub fn name_to_type(&self) -> String {
        const LONGEST: usize = 60;
        let typeable = |name: &&str| {
            let plain = name.bytes().all(|byte| (0x20..0x7f).contains(&byte));
            plain && !name.is_empty() && name.trim() == *name && name.len() <= LONGEST
        };
        let name = self.targets.first().map(Untrusted::raw).filter(typeable);
        name.map_or_else(|| self.digest().shown().to_owned(), str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a log holds it that was written before cards had a change.
    const OLD: &str = r#"{"tool":"git_push","class":"external","repeat":"checkable","verb":"push","targets":["o/b"],
        "environment":"remote","risk":"medium","reversible":"irreversible","payload":{"kind":"arguments","args":{}}}"#;

    #[test]
    fn a_card_without_a_change_keeps_its_digest_and_a_change_is_part_of_it() {
        let old: Value = serde_json::from_str(OLD).unwrap();
        let mut card: EffectCard = serde_json::from_value(old.clone()).unwrap();
        assert_eq!(card.digest(), CardDigest::of(&old));
        card.change = Some("+one".into());
        let one = card.digest();
        card.change = Some("+two".into());
        assert!(one != CardDigest::of(&old) && one != card.digest());
    }
}
