//! How many requests somebody may make: never more than the limit in any span of that length, counted in sixtieths.
//!
//! Time is how long the process has run, by a clock that is never set: a jump of the wall clock is not seen here.
//! Should it go back all the same, what was counted counts as just now, so nobody waits longer than one span.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// Parts that a span is counted in. A request counts for at most this part of a span longer than it must.
const PARTS: usize = 60;

/// At most `most` in any span of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    pub most: u32,
    pub span: Duration,
}

impl Quota {
    pub const fn per_minute(most: u32) -> Self {
        Self { most, span: Duration::from_secs(60) }
    }

    pub const fn per_hour(most: u32) -> Self {
        Self { most, span: Duration::from_secs(3_600) }
    }
}

/// Requests of one principal within one span: a ring of counts, one part of the span each.
#[derive(Clone, Debug)]
struct Window {
    quota: Quota,
    /// One more than the parts, since the span may begin within one.
    counts: [u32; PARTS + 1],
    /// The part that was counted in last, since the process began.
    part: u64,
    sum: u32,
}

impl Window {
    fn new(quota: Quota) -> Self {
        Self { quota, counts: [0; PARTS + 1], part: 0, sum: 0 }
    }

    fn part_length(&self) -> Duration {
        (self.quota.span / PARTS as u32).max(Duration::from_nanos(1))
    }

    fn slot(part: u64) -> usize {
        (part % (PARTS as u64 + 1)) as usize
    }

    /// Lets go of what is older than the span.
    fn advance(&mut self, now: Duration) {
        let part = (now.as_nanos() / self.part_length().as_nanos()) as u64;
        if part < self.part {
            let newest = Self::slot(self.part);
            self.counts.rotate_left(newest);
            self.counts.rotate_right(Self::slot(part));
            self.part = part;
            return;
        }
        let passed = (part - self.part).min(PARTS as u64 + 1);
        for step in 1..=passed {
            let slot = Self::slot(self.part + step);
            self.sum -= self.counts[slot];
            self.counts[slot] = 0;
        }
        // After a long pause all slots are empty, whichever is named the newest.
        self.part = part;
    }

    /// How long until there is room; zero when there is.
    fn wait(&self, now: Duration) -> Duration {
        if self.sum < self.quota.most {
            return Duration::ZERO;
        }
        let mut left = self.sum;
        for age in (0..=PARTS as u64).rev() {
            let Some(part) = self.part.checked_sub(age) else { continue };
            left -= self.counts[Self::slot(part)];
            if left < self.quota.most {
                let free_at = self.part_length() * u32::try_from(part + PARTS as u64 + 1).unwrap_or(u32::MAX);
                return free_at.saturating_sub(now).max(Duration::from_nanos(1));
            }
        }
        self.quota.span
    }

    fn count(&mut self) {
        self.counts[Self::slot(self.part)] += 1;
        self.sum += 1;
    }
}

/// Limits of many principals, in bounded memory.
#[derive(Debug)]
pub struct Limiter<K> {
    quotas: Vec<Quota>,
    known: HashMap<K, Vec<Window>>,
    /// Counts everybody for whom there is no room, together: a flood of names opens nothing.
    others: Vec<Window>,
    most_known: usize,
}

/// Too many requests; `retry_after` is in whole seconds, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests; the next is taken in {retry_after} s")]
pub struct TooMany {
    pub retry_after: u64,
}

/// As `Retry-After` has it: rounded up, so that a caller who waits that long is let in.
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl<K: Eq + Hash> Limiter<K> {
    /// Each principal may stay within all of `quotas`; `most_known` are told apart at once.
    pub fn new(quotas: Vec<Quota>, most_known: usize) -> Self {
        let others = quotas.iter().copied().map(Window::new).collect();
        Self { quotas, known: HashMap::new(), others, most_known }
    }

    /// Counts a request, or says when to come back. One that is refused counts for nothing.
    pub fn take(&mut self, key: K, now: Duration) -> Result<(), TooMany> {
        if !self.known.contains_key(&key) && self.known.len() >= self.most_known {
            self.forget_idle(now);
        }
        let has_room = self.known.len() < self.most_known || self.known.contains_key(&key);
        let windows = match has_room {
            true => self.known.entry(key).or_insert_with(|| self.quotas.iter().copied().map(Window::new).collect()),
            false => &mut self.others,
        };
        let mut wait = Duration::ZERO;
        for window in windows.iter_mut() {
            window.advance(now);
            wait = wait.max(window.wait(now));
        }
        if !wait.is_zero() {
            return Err(TooMany { retry_after: whole_seconds(wait) });
        }
        windows.iter_mut().for_each(Window::count);
        Ok(())
    }

    fn forget_idle(&mut self, now: Duration) {
        self.known.retain(|_, windows| {
            windows.iter_mut().for_each(|window| window.advance(now));
            windows.iter().any(|window| window.sum > 0)
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn usual() -> Limiter<u32> {
        Limiter::new(vec![Quota::per_minute(100), Quota::per_hour(1_000)], 10)
    }

    fn admitted(limiter: &mut Limiter<u32>, key: u32, tries: usize, now: Duration) -> usize {
        (0..tries).filter(|_| limiter.take(key, now).is_ok()).count()
    }

    #[test]
    fn a_minute_takes_a_hundred_and_says_when_there_is_room() {
        let mut limiter = usual();
        assert_eq!(admitted(&mut limiter, 1, 150, seconds(10.5)), 100);
        let refused = limiter.take(1, seconds(30.0)).unwrap_err();
        assert_eq!(refused.retry_after, 41);
        assert!(limiter.take(1, seconds(70.9)).is_err());
        assert!(limiter.take(1, seconds(30.0 + 41.0)).is_ok());
        assert_eq!(admitted(&mut limiter, 2, 150, seconds(71.0)), 100, "another principal has its own");
    }

    #[test]
    fn an_hour_takes_a_thousand() {
        let mut limiter = usual();
        let taken: usize = (0..60).map(|minute| admitted(&mut limiter, 1, 90, seconds(minute as f64 * 60.0))).sum();
        assert_eq!(taken, 1_000);
        let wait = limiter.take(1, HOUR).unwrap_err().retry_after;
        assert!((1..=60).contains(&wait), "{wait}");
        assert!(limiter.take(1, HOUR + Duration::from_secs(wait)).is_ok());
    }

    #[test]
    fn more_names_than_there_is_room_for_share_one_limit() {
        let mut limiter = usual();
        for key in 0..10 {
            assert!(limiter.take(key, seconds(1.0)).is_ok());
        }
        let strangers: usize = (100..1_100).map(|key| admitted(&mut limiter, key, 1, seconds(2.0))).sum();
        assert_eq!((strangers, limiter.known.len()), (100, 10));
        assert!(limiter.take(3, seconds(2.0)).is_ok(), "who was known before is not pushed out");
        assert!(limiter.take(5_000, HOUR + HOUR).is_ok());
        assert!(limiter.known.len() <= 10);
    }

    #[test]
    fn a_clock_that_goes_back_makes_nobody_wait_longer_than_the_span() {
        let mut limiter = Limiter::new(vec![Quota::per_minute(100)], 10);
        let start = HOUR + HOUR;
        assert_eq!(admitted(&mut limiter, 1, 200, start), 100);
        let back = start - HOUR;
        let refused = limiter.take(1, back).unwrap_err();
        assert!(refused.retry_after <= 61, "{refused:?}");
        assert!(limiter.take(1, back + Duration::from_secs(refused.retry_after)).is_ok());
    }

    proptest! {
        /// Against the definition, counted over all requests: never more than the quota in any span.
        #[test]
        fn no_span_holds_more_than_the_limit(gaps in prop::collection::vec(0u64..4_000, 1..400)) {
            let quota = Quota { most: 7, span: Duration::from_secs(10) };
            let mut limiter = Limiter::new(vec![quota], 4);
            let mut taken: Vec<Duration> = Vec::new();
            let mut now = Duration::ZERO;
            for gap in gaps {
                now += Duration::from_millis(gap);
                let within = taken.iter().filter(|at| now - **at < quota.span).count();
                match limiter.take(1, now) {
                    Ok(()) => {
                        prop_assert!(within < 7);
                        taken.push(now);
                    }
                    Err(refused) => {
                        let slack = quota.span + quota.span / 60;
                        let counted = taken.iter().filter(|at| now - **at <= slack).count();
                        prop_assert!(counted >= 7, "refused with {counted} in the span");
                        prop_assert!(refused.retry_after <= 11);
                    }
                }
            }
        }

        #[test]
        fn jumps_of_an_hour_neither_lock_nor_open(jumps in prop::collection::vec((0u8..3, 0u64..90), 1..60)) {
            let mut limiter = Limiter::new(vec![Quota::per_minute(100)], 4);
            let mut now = HOUR * 100;
            for (jump, gap) in jumps {
                now += Duration::from_secs(gap);
                now = match jump { 0 => now, 1 => now + HOUR, _ => now - HOUR };
                prop_assert!(admitted(&mut limiter, 1, 250, now) <= 100);
                if let Err(refused) = limiter.take(1, now) {
                    prop_assert!(refused.retry_after <= 61);
                    now += Duration::from_secs(refused.retry_after);
                    prop_assert!(limiter.take(1, now).is_ok());
                }
            }
        }
    }
}
