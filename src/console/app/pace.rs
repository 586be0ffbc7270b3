//! When the next frame may be drawn: at once for a key, with restraint for news, never more than 60 a second.

use std::time::Duration;

use crate::console::state::Uptime;

/// Least time between frames that only show news. Half of the frames stay free for keys.
const NEWS: Duration = Duration::from_millis(33);
/// Time in which one more frame is earned: 50 a second, and with `MOST_SAVED` never more than 60.
const EARNED: Duration = Duration::from_millis(20);
const MOST_SAVED: u32 = 10;

/// Why a frame is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// Something was heard on the feed, or time has passed.
    News,
    /// A person waits for it.
    Answer,
}

/// Counts frames.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    saved: u32,
    earning_since: Uptime,
    last: Option<Uptime>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { saved: MOST_SAVED, earning_since: Uptime::ZERO, last: None }
    }
}

impl Pace {
    /// When a frame may be drawn; not after `now` means now.
    pub fn due(&self, wanted: Wanted, now: Uptime) -> Uptime {
        let earned = if self.saved > 0 { now } else { self.earning_since + EARNED };
        match (wanted, self.last) {
            (Wanted::News, Some(last)) => earned.max(last + NEWS),
            (Wanted::News, None) | (Wanted::Answer, _) => earned,
        }
    }

    /// A frame is drawn now.
    pub fn drawn(&mut self, now: Uptime) {
        self.earn(now);
        self.saved = self.saved.saturating_sub(1);
        self.last = Some(now);
    }

    /// Counts what was earned up to now. Call it before `due`.
    pub fn earn(&mut self, now: Uptime) {
        let frames = now.saturating_sub(self.earning_since).as_millis() / EARNED.as_millis();
        let frames = u32::try_from(frames).unwrap_or(u32::MAX);
        if frames > 0 {
            self.saved = self.saved.saturating_add(frames).min(MOST_SAVED);
            self.earning_since = if self.saved == MOST_SAVED { now } else { self.earning_since + EARNED * frames };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames_in_a_second(wanted: Wanted) -> usize {
        let mut pace = Pace::default();
        let mut frames = 0;
        for millisecond in 0..1_000 {
            let now = Duration::from_millis(millisecond);
            pace.earn(now);
            if pace.due(wanted, now) <= now {
                pace.drawn(now);
                frames += 1;
            }
        }
        frames
    }

    #[test]
    fn never_more_than_sixty_a_second_and_half_of_that_for_news() {
        assert!((50..=60).contains(&frames_in_a_second(Wanted::Answer)), "{}", frames_in_a_second(Wanted::Answer));
        assert!((28..=31).contains(&frames_in_a_second(Wanted::News)), "{}", frames_in_a_second(Wanted::News));
    }

    #[test]
    fn a_key_is_answered_at_once_although_news_were_just_drawn() {
        let mut pace = Pace::default();
        for millisecond in 0..2_000 {
            let now = Duration::from_millis(millisecond);
            pace.earn(now);
            if pace.due(Wanted::News, now) <= now {
                pace.drawn(now);
            }
        }
        let now = Duration::from_millis(2_000);
        assert_eq!(pace.due(Wanted::Answer, now), now);
    }
}
