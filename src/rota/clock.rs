//! Instants of times on a wall clock.

use chrono::{MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::domain::Timestamp;

/// What the wall clock of `zone` shows at an instant.
pub(super) fn wall(zone: Tz, at: Timestamp) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

/// The first instant at which the wall clock shows `wanted`, or has jumped past it.
pub(super) fn instant(zone: Tz, wanted: NaiveDateTime) -> Timestamp {
    match zone.from_local_datetime(&wanted) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at.to_utc(),
        MappedLocalTime::None => jump(zone, wanted),
    }
}

/// The moment at which the clock jumps past a time that it never shows.
fn jump(zone: Tz, skipped: NaiveDateTime) -> Timestamp {
    // No clock is further than this from UTC, on either side of its jump.
    let (mut before, mut after) = (skipped.and_utc() - TimeDelta::days(2), skipped.and_utc() + TimeDelta::days(2));
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if wall(zone, middle) < skipped {
            before = middle;
        } else {
            after = middle;
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipped_time_is_the_jump_and_a_time_that_comes_twice_is_the_first() {
        let at = |zone: Tz, wanted: &str| instant(zone, wanted.parse().unwrap()).to_rfc3339();
        assert_eq!(at(Tz::Europe__Berlin, "2026-03-29T02:30:00"), "2026-03-29T01:00:00+00:00");
        assert_eq!(at(Tz::Europe__Berlin, "2026-03-29T03:30:00"), "2026-03-29T01:30:00+00:00");
        assert_eq!(at(Tz::Europe__Berlin, "2026-10-25T02:30:00"), "2026-10-25T00:30:00+00:00");
        assert_eq!(at(Tz::Europe__Berlin, "2026-10-25T03:00:00"), "2026-10-25T02:00:00+00:00");
        // Half an hour, and a whole day that never was.
        assert_eq!(at(Tz::Australia__Lord_Howe, "2026-10-04T02:10:00"), "2026-10-03T15:30:00+00:00");
        assert_eq!(at(Tz::Pacific__Apia, "2011-12-30T09:00:00"), "2011-12-30T10:00:00+00:00");
    }
}
