//! Telling the log of refusals without letting their senders fill the disk: the first of a kind at once, those
//! that follow as one count a minute.

use std::collections::BTreeMap;
use std::time::Duration;

use super::backoff::Place;
use crate::domain::{AccountId, Action, RefusalCause};

/// Between two reports of the same kind.
const PAUSE: Duration = Duration::from_secs(60);
/// Kinds told apart within a pause. Beyond, those that differ only in place are counted together, without one.
const MOST: usize = 64;

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    SignIn { account: AccountId, cause: RefusalCause, place: Place },
    Permission { account: AccountId, action: Action },
}

impl Refused {
    /// The same without what a stranger can vary at will.
    fn merged(self) -> Self {
        match self {
            Self::SignIn { cause, .. } => Self::SignIn { account: AccountId::NOBODY, cause, place: Place::of(None) },
            permission => permission,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Count {
    told_at: Duration,
    untold: u32,
}

/// What was refused and not told yet.
#[derive(Debug, Default)]
pub struct Refusals {
    counts: BTreeMap<Refused, Count>,
}

impl Refusals {
    /// Takes note of a refusal; what it returns is to be told now, with the number it stands for.
    pub fn note(&mut self, refused: Refused, now: Duration) -> Option<(Refused, u32)> {
        let is_new = !self.counts.contains_key(&refused);
        let key = if is_new && self.counts.len() >= MOST { refused.merged() } else { refused };
        match self.counts.get_mut(&key) {
            Some(count) => {
                count.untold = count.untold.saturating_add(1);
                None
            }
            None => {
                self.counts.insert(key, Count { told_at: now, untold: 0 });
                Some((key, 1))
            }
        }
    }

    /// What has waited a pause to be told. What was quiet for one is forgotten. To be asked now and then.
    pub fn due(&mut self, now: Duration) -> Vec<(Refused, u32)> {
        self.take(|count| now.saturating_sub(count.told_at) >= PAUSE || now < count.told_at, now)
    }

    /// All that was not told, however young: for the end of the program.
    pub fn rest(&mut self) -> Vec<(Refused, u32)> {
        self.take(|_| true, Duration::ZERO)
    }

    fn take(&mut self, is_due: impl Fn(&Count) -> bool, now: Duration) -> Vec<(Refused, u32)> {
        self.counts.retain(|_, count| !is_due(count) || count.untold > 0);
        let mut told = Vec::new();
        for (refused, count) in self.counts.iter_mut().filter(|(_, count)| is_due(count)) {
            told.push((*refused, count.untold));
            *count = Count { told_at: now, untold: 0 };
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn from(number: u32) -> Refused {
        let place = Place::of(Some(std::net::Ipv4Addr::from(number).into()));
        Refused::SignIn { account: AccountId::NOBODY, cause: RefusalCause::WrongPassword, place }
    }

    #[test]
    fn the_first_is_told_at_once_and_the_rest_as_a_count_a_minute() {
        let mut refusals = Refusals::default();
        assert_eq!(refusals.note(from(1), seconds(10)), Some((from(1), 1)));
        for _ in 0..500 {
            assert_eq!(refusals.note(from(1), seconds(11)), None);
        }
        assert_eq!(refusals.note(from(2), seconds(12)), Some((from(2), 1)));
        assert_eq!(refusals.due(seconds(69)), []);
        assert_eq!(refusals.due(seconds(70)), [(from(1), 500)]);
        assert_eq!(refusals.note(from(1), seconds(71)), None);
        assert_eq!(refusals.rest(), [(from(1), 1)]);
    }

    #[test]
    fn what_was_quiet_for_a_minute_is_told_at_once_again() {
        let mut refusals = Refusals::default();
        refusals.note(from(1), seconds(0));
        assert_eq!(refusals.due(seconds(60)), []);
        assert_eq!(refusals.note(from(1), seconds(61)), Some((from(1), 1)));
    }

    #[test]
    fn a_flood_from_everywhere_is_a_bounded_number_of_events_and_loses_no_count() {
        let mut refusals = Refusals::default();
        let mut events = Vec::new();
        for second in 0..300 {
            for attacker in 0..1_000 {
                events.extend(refusals.note(from(second * 1_000 + attacker), seconds(second.into())));
            }
            events.extend(refusals.due(seconds(second.into())));
        }
        events.extend(refusals.rest());
        let counted: u64 = events.iter().map(|(_, count)| u64::from(*count)).sum();
        assert_eq!(counted, 300_000);
        assert!(events.len() <= 6 * (MOST + 1), "{} events in five minutes", events.len());
    }
}
