//! Something of our own that goes wrong for long enough to be told, and whether the log knows.

use super::group::{Group, Told, pairs};
use crate::domain::Timestamp;
use crate::kinds::{Command, Sight};

/// What tells of troubles of its own.
pub(super) const OWN: &str = "morningai";

/// What is told, with the same words whenever it happens.
#[derive(Clone, Debug)]
pub(super) struct OwnAlert {
    pub(super) name: &'static str,
    pub(super) severity: String,
    /// What tells it from others of the same name.
    pub(super) about: Vec<(&'static str, String)>,
}

impl OwnAlert {
    pub(super) fn told(&self, summary: &str, starts_at: Timestamp, ended_at: Option<Timestamp>) -> Told {
        let about = self.about.iter().map(|(name, value)| (*name, value.as_str()));
        let labels = [("alertname", self.name), ("severity", self.severity.as_str()), ("source", OWN)];
        Told {
            labels: pairs(labels.into_iter().chain(about)),
            annotations: pairs([("summary", summary)]),
            starts_at,
            ended_at,
            fingerprint: "own".to_owned(),
            url: String::new(),
        }
    }

    pub(super) fn group(&self, told: Vec<Told>) -> Group {
        let values: Vec<_> = self.about.iter().map(|(_, value)| value.as_str()).collect();
        Group::named(OWN, &[&[self.name], values.as_slice()].concat(), told)
    }

    pub(super) fn command(&self, told: Told, rules: &super::rules::Rules) -> Option<Command> {
        self.group(vec![told]).command(OWN, Sight::Told, rules)
    }
}

/// Whether what was learned is in the log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Saved {
    Yes,
    No,
}

/// How long it has gone wrong.
#[derive(Default)]
pub(super) struct Trouble {
    misses: u32,
    since: Option<Timestamp>,
    /// Whether the log has been told how it stands, also where an earlier process had told of trouble.
    is_saved: bool,
}

impl Trouble {
    /// One more miss; from the last of `bearable` on since when it goes wrong, until that is saved.
    pub(super) fn missed(&mut self, at: Timestamp, bearable: u32) -> Option<Timestamp> {
        let since = *self.since.get_or_insert(at);
        self.misses = self.misses.saturating_add(1);
        if self.misses == 1 {
            self.is_saved = false;
        }
        (self.misses >= bearable && !self.is_saved).then_some(since)
    }

    /// It works: whether to tell that what was told of it is over, until that is saved.
    pub(super) fn passed(&mut self) -> bool {
        if std::mem::take(&mut self.misses) > 0 {
            (self.since, self.is_saved) = (None, false);
        }
        !self.is_saved
    }

    pub(super) fn saved(&mut self) {
        self.is_saved = true;
    }

    pub(super) fn misses(&self) -> u32 {
        self.misses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_and_its_end_are_told_until_they_are_saved_and_then_no_more() {
        let mut trouble = Trouble::default();
        let at = Timestamp::default();
        let miss = |trouble: &mut Trouble| trouble.missed(at, 3).is_some();
        assert_eq!([(); 5].map(|()| miss(&mut trouble)), [false, false, true, true, true]);
        trouble.saved();
        assert!(!miss(&mut trouble));
        assert!(trouble.passed() && trouble.passed());
        trouble.saved();
        assert!(!trouble.passed());
        assert_eq!([(); 3].map(|()| miss(&mut trouble)), [false, false, true], "the next trouble is told again");
    }
}
