//! Labels and annotations of alerts: all of it is an outsider's text, and none of it is long.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Untrusted;

/// Bytes kept of a label's name, of its value, and of all labels of an alert together.
const LONGEST_NAME: usize = 128;
const LONGEST_VALUE: usize = 512;
const LONGEST: usize = 4 * 1024;

/// What is kept first where there is no room for all.
const FIRST: [&str; 7] = ["alertname", "severity", "instance", "job", "summary", "description", "runbook_url"];

/// Names and values, bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Labels(BTreeMap<Untrusted, Untrusted>);

impl Labels {
    /// As many as there is room for, those that matter most first; what is too long is cut, with `…` where it was.
    pub fn bounded(given: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut given: Vec<_> = given.into_iter().collect();
        let rank = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
        given.sort_by(|(a, _), (b, _)| (rank(a), a).cmp(&(rank(b), b)));
        let mut room = LONGEST;
        let mut kept = BTreeMap::new();
        for (name, value) in given {
            let (name, value) = (Untrusted::new(name).cut(LONGEST_NAME), Untrusted::new(value).cut(LONGEST_VALUE));
            if let Some(left) = room.checked_sub(name.raw().len() + value.raw().len()) {
                room = left;
                kept.insert(name, value);
            }
        }
        Self(kept)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&Untrusted::from(name)).map(Untrusted::raw)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Untrusted, &Untrusted)> {
        self.0.iter()
    }

    /// Those that all of them have, in the same words.
    pub(super) fn shared<'a>(mut all: impl Iterator<Item = &'a Self>) -> Self {
        let first = all.next().cloned().unwrap_or_default();
        all.fold(first, |shared, other| shared.of_both(other))
    }

    /// Those that both have.
    fn of_both(&self, other: &Self) -> Self {
        let both = self.0.iter().filter(|(name, value)| other.0.get(*name) == Some(*value));
        Self(both.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `alertname=HighErr svc=api`
    pub fn line(&self) -> Untrusted {
        let words: Vec<_> = self.iter().map(|(name, value)| format!("{}={}", name.raw(), value.raw())).collect();
        words.join(" ").into()
    }

    /// The same without what the title and the severity say.
    pub fn others(&self) -> Untrusted {
        let is_told = |name: &str| matches!(name, "alertname" | "severity");
        Self(self.0.iter().filter(|(name, _)| !is_told(name.raw())).map(|(a, b)| (a.clone(), b.clone())).collect())
            .line()
    }

    pub(super) fn texts(&mut self) -> impl Iterator<Item = &mut Untrusted> {
        self.0.values_mut()
    }
}

/// An outsider's text of at most a few hundred bytes.
pub(super) fn short(text: &str) -> Untrusted {
    Untrusted::from(text).cut(LONGEST_VALUE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_labels_is_bounded_and_begins_with_what_matters() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut given: Vec<_> = (0..100).map(|n| pair(&format!("a{n:03}"), &"é".repeat(50_000))).collect();
        given.push(pair("severity", "critical"));
        let kept = Labels::bounded(given);
        let bytes: usize = kept.iter().map(|(name, value)| name.raw().len() + value.raw().len()).sum();
        assert!(bytes <= LONGEST, "{bytes}");
        assert_eq!(kept.get("severity"), Some("critical"));
        let long = kept.get("a000").unwrap();
        assert!(long.len() <= LONGEST_VALUE && long.ends_with("é…"), "{long}");
    }
}
