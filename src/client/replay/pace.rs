//! How fast a recording's time passes: as recorded, but for long waits, which are over in a moment.

use std::time::Duration;

/// The longest wait that is played as it was.
const LONGEST: Duration = Duration::from_secs(6);
/// How long a longer one is played.
const PLAYED: Duration = Duration::from_millis(1_500);
/// How much longer it is told.
const TOLD: Duration = Duration::from_secs(2);

/// Time as recorded, and as played.
#[derive(Debug, Default)]
pub(super) struct Pace {
    waits: Vec<Wait>,
}

/// A time in which nothing was recorded.
#[derive(Debug)]
struct Wait {
    recorded_from: Duration,
    played_from: Duration,
    lasted: Duration,
}

impl Pace {
    /// Of what happened at these times, in order.
    pub(super) fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut pace = Self::default();
        let mut last = Duration::ZERO;
        for at in times {
            let lasted = at.saturating_sub(last);
            if lasted > LONGEST {
                let wait = Wait { recorded_from: last, played_from: pace.played(last), lasted };
                pace.waits.push(wait);
            }
            last = at;
        }
        pace
    }

    /// When something is played that was recorded at `recorded`.
    pub(super) fn played(&self, recorded: Duration) -> Duration {
        let Some(wait) = self.waits.iter().rfind(|wait| wait.recorded_from <= recorded) else { return recorded };
        let since = recorded - wait.recorded_from;
        match since.checked_sub(wait.lasted) {
            Some(after) => wait.played_from + PLAYED + after,
            None => wait.played_from + PLAYED.mul_f64(since.div_duration_f64(wait.lasted)),
        }
    }

    /// When that was recorded which is played at `played`.
    pub(super) fn recorded(&self, played: Duration) -> Duration {
        let Some(wait) = self.waits.iter().rfind(|wait| wait.played_from <= played) else { return played };
        let since = played - wait.played_from;
        match since.checked_sub(PLAYED) {
            Some(after) => wait.recorded_from + wait.lasted + after,
            None => wait.recorded_from + wait.lasted.mul_f64(since.div_duration_f64(PLAYED)),
        }
    }

    /// How long the wait lasted that is passed over at `played`, or just was.
    pub(super) fn passing(&self, played: Duration) -> Option<Duration> {
        let is_told = |wait: &&Wait| (wait.played_from..wait.played_from + PLAYED + TOLD).contains(&played);
        self.waits.iter().rfind(is_told).map(|wait| wait.lasted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_is_over_in_a_moment_and_its_clock_runs() {
        let seconds = Duration::from_secs;
        let pace = Pace::of([0, 5, 45, 46, 100].map(seconds));
        let played: Vec<_> = [5, 25, 45, 46, 100].map(|at| pace.played(seconds(at)).as_secs_f64()).into();
        assert_eq!(played, [5.0, 5.75, 6.5, 7.5, 9.0]);
        for at in [0, 3, 5, 25, 45, 46, 73, 100, 120].map(seconds) {
            assert_eq!(pace.recorded(pace.played(at)), at);
        }
        assert_eq!(pace.passing(seconds(4)), None);
        assert_eq!(pace.passing(seconds(6)), Some(seconds(40)));
        assert_eq!(pace.passing(seconds(11)), None);
    }
}
