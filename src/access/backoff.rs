//! Delays after failed sign-ins: long for the place they come from, short for the account they are about, and never for
//! ever, so that guessing is slow and the owner of the account is not shut out.
//!
//! - One place guessing at one account waits twice as long after each failure, from the fourth on, up to 15 minutes.
//! - An account that failed more than 20 times from anywhere takes one attempt in 30 seconds from places where nobody
//!   ever signed in to it. Places where somebody did, in the life of this process, are not held up by strangers.
//! - An attempt during a delay is refused unseen and lengthens nothing.
//!
//! Time is that of a clock which is never set; see `limit`.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::domain::AccountName;

/// Failures that cost nothing: people mistype.
const FREE: u32 = 3;
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(15 * 60);
/// Failures from anywhere before strangers to an account share a pace.
const FREE_OF_ACCOUNT: u32 = 20;
const PACE_OF_STRANGERS: Duration = Duration::from_secs(30);
/// A failure this old is forgotten.
const MEMORY: Duration = Duration::from_secs(24 * 3_600);
/// Places and accounts remembered at most, each. Beyond, the oldest is forgotten: it can try anew, at its own pace.
const MOST: usize = 10_000;
/// Places where somebody signed in, remembered for one account.
const MOST_FAMILIAR: usize = 16;

/// A place that attempts come from: an address, of IPv6 the /64 that one household or machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(Option<IpAddr>);

impl Place {
    pub fn of(from: Option<IpAddr>) -> Self {
        Self(from.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => {
                let prefix = u128::from(address) & !u128::from(u64::MAX);
                IpAddr::V6(prefix.into())
            }
            v4 => v4,
        }))
    }

    pub fn address(self) -> Option<IpAddr> {
        self.0
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    count: u32,
    last: Duration,
}

impl Failures {
    fn add(&mut self, now: Duration) {
        let count = if now.saturating_sub(self.last) > MEMORY { 0 } else { self.count };
        *self = Self { count: count.saturating_add(1), last: now };
    }
}

#[derive(Clone, Debug, Default)]
struct OfAccount {
    failures: Failures,
    familiar: Vec<Place>,
    /// When the last stranger's attempt was let through.
    let_through: Option<Duration>,
}

/// Who failed, where and when.
#[derive(Debug, Default)]
pub struct Backoff {
    pairs: HashMap<(AccountName, Place), Failures>,
    accounts: HashMap<AccountName, OfAccount>,
}

impl Backoff {
    /// How long this attempt must wait; zero lets it through. Names that do not exist are treated alike.
    pub fn wait(&mut self, name: &AccountName, place: Place, now: Duration) -> Duration {
        let pair = self.pairs.get(&(name.clone(), place));
        let own = pair.map_or(Duration::ZERO, |failures| left(delay(failures.count), failures.last, now));
        if !own.is_zero() {
            return own;
        }
        let Some(account) = self.accounts.get_mut(name) else { return Duration::ZERO };
        let is_stranger = !account.familiar.contains(&place);
        if is_stranger && account.failures.count > FREE_OF_ACCOUNT {
            let wait = account.let_through.map_or(Duration::ZERO, |last| left(PACE_OF_STRANGERS, last, now));
            if wait.is_zero() {
                account.let_through = Some(now);
            }
            return wait;
        }
        Duration::ZERO
    }

    pub fn failed(&mut self, name: &AccountName, place: Place, now: Duration) {
        make_room(&mut self.pairs, |failures| failures.last);
        self.pairs.entry((name.clone(), place)).or_default().add(now);
        make_room(&mut self.accounts, |account| account.failures.last);
        self.accounts.entry(name.clone()).or_default().failures.add(now);
    }

    /// Somebody got in: this place is familiar from now on, and its failures are forgotten. Those from elsewhere are
    /// not: a guesser must not have them forgiven by the owner's own sign-in.
    pub fn succeeded(&mut self, name: &AccountName, place: Place) {
        self.pairs.remove(&(name.clone(), place));
        make_room(&mut self.accounts, |account| account.failures.last);
        let familiar = &mut self.accounts.entry(name.clone()).or_default().familiar;
        familiar.retain(|known| *known != place);
        familiar.push(place);
        if familiar.len() > MOST_FAMILIAR {
            familiar.remove(0);
        }
    }
}

fn delay(failures: u32) -> Duration {
    match failures.checked_sub(FREE) {
        None | Some(0) => Duration::ZERO,
        Some(beyond) => FIRST_DELAY.saturating_mul(1 << (beyond - 1).min(20)).min(LONGEST_DELAY),
    }
}

/// What is left of a delay. A clock that went back makes nobody wait longer than the delay itself.
fn left(delay: Duration, since: Duration, now: Duration) -> Duration {
    delay.saturating_sub(now.saturating_sub(since))
}

fn make_room<K: Clone + Eq + std::hash::Hash, V>(map: &mut HashMap<K, V>, last: impl Fn(&V) -> Duration) {
    if map.len() < MOST {
        return;
    }
    if let Some(oldest) = map.iter().min_by_key(|(_, value)| last(value)).map(|(key, _)| key.clone()) {
        map.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> AccountName {
        AccountName::parse(text).unwrap()
    }

    fn place(last: u8) -> Place {
        Place::of(Some(IpAddr::from([203, 0, 113, last])))
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_failure_doubles_the_wait_up_to_a_quarter_of_an_hour() {
        let (mut backoff, ana) = (Backoff::default(), name("ana"));
        let mut now = seconds(1_000);
        let mut waits = Vec::new();
        for _ in 0..16 {
            let wait = backoff.wait(&ana, place(1), now);
            waits.push(wait.as_secs());
            now += wait;
            assert!(backoff.wait(&ana, place(1), now).is_zero());
            backoff.failed(&ana, place(1), now);
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    }

    #[test]
    fn trying_during_a_delay_does_not_lengthen_it() {
        let (mut backoff, ana) = (Backoff::default(), name("ana"));
        (0..8).for_each(|_| backoff.failed(&ana, place(1), seconds(0)));
        assert_eq!(backoff.wait(&ana, place(1), seconds(5)), seconds(11));
        assert_eq!(backoff.wait(&ana, place(1), seconds(10)), seconds(6));
        assert!(backoff.wait(&ana, place(1), seconds(16)).is_zero());
        assert!(backoff.wait(&ana, place(2), seconds(5)).is_zero(), "another place");
        assert!(backoff.wait(&name("bo"), place(1), seconds(5)).is_zero(), "another account");
    }

    #[test]
    fn strangers_cannot_shut_an_owner_out() {
        let (mut backoff, ana) = (Backoff::default(), name("ana"));
        backoff.succeeded(&ana, place(1));
        for guess in 0..10_000u64 {
            let somewhere = std::net::Ipv4Addr::from(guess as u32 * 7 + 1);
            backoff.failed(&ana, Place::of(Some(somewhere.into())), seconds(guess));
        }
        let now = seconds(10_000);
        assert!(backoff.wait(&ana, place(1), now).is_zero(), "where she signed in before");
        assert!(backoff.wait(&ana, place(9), now).is_zero(), "one stranger is let through");
        assert_eq!(backoff.wait(&ana, place(8), now), seconds(30));
        assert!(backoff.wait(&ana, place(8), now + seconds(30)).is_zero());
    }

    #[test]
    fn success_forgives_the_place_and_nobody_else() {
        let (mut backoff, ana) = (Backoff::default(), name("ana"));
        for _ in 0..6 {
            backoff.failed(&ana, place(1), seconds(0));
            backoff.failed(&ana, place(2), seconds(0));
        }
        backoff.succeeded(&ana, place(1));
        assert!(backoff.wait(&ana, place(1), seconds(1)).is_zero());
        assert!(!backoff.wait(&ana, place(2), seconds(1)).is_zero());
    }

    #[test]
    fn a_day_forgets_and_memory_is_bounded() {
        let (mut backoff, ana) = (Backoff::default(), name("ana"));
        (0..30).for_each(|_| backoff.failed(&ana, place(1), seconds(0)));
        backoff.failed(&ana, place(1), MEMORY + seconds(1));
        assert!(backoff.wait(&ana, place(1), MEMORY + seconds(1)).is_zero());
        for guess in 0..MOST as u64 + 50 {
            backoff.failed(&name(&format!("u{guess}")), place(3), MEMORY + seconds(guess));
        }
        assert!(backoff.pairs.len() <= MOST && backoff.accounts.len() <= MOST);
    }

    #[test]
    fn a_household_of_ipv6_is_one_place_and_a_mapped_address_is_its_v4() {
        let of = |text: &str| Place::of(Some(text.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:203.0.113.7"), of("203.0.113.7"));
    }
}
