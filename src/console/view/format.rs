//! Times, sizes, amounts and counts as people read them. Every page uses these and no other.

use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta};

use super::zone;
use super::zone::Zone;
use crate::domain::{Timestamp, Usd};
use crate::kinds::{Run, ToFinish};

/// How long ago, in at most four columns: `now`, `42s`, `7m`, `3h`, `12d`, `80w`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = (now - then).num_seconds();
    match seconds {
        ..=0 => "now".to_owned(),
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        86_400..8_640_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}w", seconds / 604_800),
    }
}

/// The same in a sentence: `just now`, `42s ago`.
pub fn ago_in_words(then: Timestamp, now: Timestamp) -> String {
    match ago(then, now).as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    }
}

/// A length of time with two figures: `340 ms`, `4.2 s`, `1m 05s`, `2h 03m`, `3d 04h`.
pub fn span(length: TimeDelta) -> String {
    let millis = length.num_milliseconds().max(0);
    let seconds = millis / 1_000;
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{} s", millis % 1_000 / 100),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// A length of time that counts seconds and nothing smaller, so that a clock drawn with it moves once a second.
pub fn whole_span(length: TimeDelta) -> String {
    match length.num_seconds().max(0) {
        seconds @ 0..60 => format!("{seconds}s"),
        _ => span(length),
    }
}

/// Time left until `then`; `None` when it is past.
pub fn left(then: Timestamp, now: Timestamp) -> Option<String> {
    (then > now).then(|| whole_span(then - now))
}

/// The whole instant: RFC 3339.
pub fn instant(at: Timestamp) -> String {
    Zone::chosen().wall(at).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Time of day: `14:03:22`.
pub fn clock(at: Timestamp) -> String {
    Zone::chosen().wall(at).format("%H:%M:%S").to_string()
}

/// The zone that times of then are shown in: `UTC`, `+02:00`.
pub fn zone(at: Timestamp) -> String {
    zone::name(&Zone::chosen().wall(at))
}

/// Time of day with its zone, and with its date when that is not today's.
pub fn moment(at: Timestamp, now: Timestamp) -> String {
    let (at, now) = (Zone::chosen().wall(at), Zone::chosen().wall(now));
    moment_by(&at, &now)
}

fn moment_by(at: &DateTime<FixedOffset>, now: &DateTime<FixedOffset>) -> String {
    let form = if at.date_naive() == now.date_naive() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    format!("{} {}", at.format(form), zone::name(at))
}

/// `812 B`, `1.2 KB`, `34 MB`.
pub fn bytes(count: u64) -> String {
    scaled(count, 1_024, &[" B", " KB", " MB", " GB", " TB"])
}

/// `812`, `1.2k`, `34k`, `1.2M`: tokens and other counts.
pub fn quantity(count: u64) -> String {
    scaled(count, 1_000, &["", "k", "M", "G", "T"])
}

/// Whole numbers below the first step and from ten upwards, else one digit after the point; cut, never rounded up.
fn scaled(count: u64, step: u64, units: &[&str]) -> String {
    let mut unit = 0;
    let mut whole = count;
    let mut rest = 0;
    while whole >= step && unit + 1 < units.len() {
        rest = whole % step * 10 / step;
        whole /= step;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or_default();
    if unit > 0 && whole < 10 { format!("{whole}.{rest}{name}") } else { format!("{whole}{name}") }
}

/// `1 file`, `3 files`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// How many of `count` things are named where `most` have room and a row says how many more there are: the last one is
/// named in that row's place.
pub fn named(count: usize, most: usize) -> usize {
    if count == most + 1 { count } else { count.min(most) }
}

/// An amount of which a part may have no known price: `$0.42`, `≥ $0.42`, `unknown`.
pub fn cost(known: Usd, unpriced: u64) -> String {
    match (known, unpriced) {
        (known, 0) => known.display(),
        (Usd::ZERO, _) => "unknown".to_owned(),
        (known, _) => format!("≥ {}", known.display()),
    }
}

/// What a run cost so far.
pub fn run_cost(run: &Run) -> String {
    cost(run.cost, u64::from(run.unpriced_turns))
}

/// `p50 $0.20, p95 $1.10, by 23 runs of its agent`
pub fn to_finish(rest: &ToFinish) -> String {
    let ToFinish { p50, p95, from_runs } = rest;
    format!("p50 {}, p95 {}, by {from_runs} runs of its agent", p50.display(), p95.display())
}

/// What a run cost so far, where nothing else says what the figure is: `cost unknown`.
pub fn named_run_cost(run: &Run) -> String {
    let is_unknown = run.cost == Usd::ZERO && run.unpriced_turns > 0;
    format!("{}{}", if is_unknown { "cost " } else { "" }, run_cost(run))
}

/// From start to end, or to now.
pub fn run_span(run: &Run, now: Timestamp) -> String {
    whole_span(run.ended_at.unwrap_or(now) - run.started_at)
}

/// Working time: without the waits for a person.
pub fn worked(run: &Run, now: Timestamp) -> TimeDelta {
    let before = TimeDelta::milliseconds(i64::try_from(run.worked_milliseconds).unwrap_or(i64::MAX / 1_000_000));
    before + run.busy_since.map_or(TimeDelta::zero(), |since| (now - since).max(TimeDelta::zero()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_grow_coarser() {
        let now = Timestamp::from_timestamp(1_000_000_000, 0).unwrap();
        let texts: Vec<_> = [-5, 0, 59, 60, 3_599, 86_399, 86_400 * 14, 86_400 * 700]
            .map(|s| ago(now - TimeDelta::seconds(s), now))
            .into();
        assert_eq!(texts, ["now", "now", "59s", "1m", "59m", "23h", "14d", "100w"]);
    }

    #[test]
    fn spans_keep_two_figures() {
        let texts: Vec<_> =
            [340, 4_250, 65_000, 7_380_000, 273_600_000].map(|ms| span(TimeDelta::milliseconds(ms))).into();
        assert_eq!(texts, ["340 ms", "4.2 s", "1m 05s", "2h 03m", "3d 04h"]);
    }

    #[test]
    fn times_of_day_name_their_zone_and_the_day_is_that_of_the_zone() {
        let east = FixedOffset::east_opt(2 * 3_600).unwrap();
        let at: DateTime<FixedOffset> = "2026-11-24T23:30:00Z".parse().unwrap();
        let now: DateTime<FixedOffset> = "2026-11-25T01:00:00Z".parse().unwrap();
        assert_eq!(moment_by(&at, &now), "2026-11-24 23:30 UTC");
        assert_eq!(moment_by(&at.with_timezone(&east), &now.with_timezone(&east)), "01:30 +02:00");
    }

    #[test]
    fn sizes_are_never_rounded_up() {
        assert_eq!(
            [0, 1_023, 1_024, 10_239, 10_240, 5_242_879].map(bytes),
            ["0 B", "1023 B", "1.0 KB", "9.9 KB", "10 KB", "4.9 MB"]
        );
        assert_eq!([999, 1_000, 12_345, 1_250_000].map(quantity), ["999", "1.0k", "12k", "1.2M"]);
    }

    #[test]
    fn a_single_one_is_named_rather_than_counted() {
        assert_eq!([2, 3, 4, 5].map(|count| named(count, 3)), [2, 3, 4, 3]);
    }

    #[test]
    fn an_unknown_price_is_never_shown_as_nothing() {
        assert_eq!(cost(Usd::ZERO, 0), "$0.00");
        assert_eq!(cost(Usd::ZERO, 3), "unknown");
        assert_eq!(cost(Usd(420_000_000), 3), "≥ $0.420");
    }
}
