//! What the rules of inhibition made of an alert when it was told: which others it keeps quiet, and which keep it quiet.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::group::GroupKey;

/// Hex digits of a mark that stand for its rule.
const MARK: usize = 24;

/// Marks of an alert: each is a hash of a rule and of the values that both sides must share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Marks {
    /// While it fires, alerts that are inhibited by one of these call nobody.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub inhibits: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub inhibited_by: BTreeSet<String>,
}

/// Which sides of a rule an alert is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Source,
    Target,
    /// It inhibits, and is not inhibited by what is on both sides either.
    Both,
}

impl Marks {
    /// Takes in a rule, told by parts that tell it from others, the values of the labels that both sides share among them.
    pub fn add<'a>(&mut self, rule: impl IntoIterator<Item = &'a str>, side: Side) {
        let hash = GroupKey::of(rule);
        let known_by = hash.digest().get(..MARK).unwrap_or(hash.digest());
        let [alone, both] = ["s", "b"].map(|kind| format!("{known_by}{kind}"));
        match side {
            Side::Source => drop(self.inhibits.insert(alone)),
            Side::Target => self.inhibited_by.extend([alone, both]),
            Side::Both => {
                self.inhibited_by.insert(alone);
                self.inhibits.insert(both);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.inhibits.is_empty() && self.inhibited_by.is_empty()
    }
}
