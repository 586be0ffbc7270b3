//! Schedules against a slow reading of them, minute by minute, and against what people expect of a few.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDateTime, NaiveTime, TimeDelta, Weekday};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;
use crate::domain::Timestamp;

fn wall(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

fn utc(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn layer(people: &[&str], length: &str, from: &str) -> Layer {
    Layer {
        people: people.iter().map(|name| (*name).to_owned()).collect(),
        length: length.parse().unwrap(),
        from: wall(from),
        window: Window::default(),
    }
}

fn hours(layer: Layer, days: &[DayOfWeek], from: &str, until: &str) -> Layer {
    let time = |text: &str| text.parse::<NaiveTime>().unwrap();
    let window = Window { days: days.iter().copied().collect(), hours: Some((time(from), time(until))) };
    Layer { window, ..layer }
}

fn berlin(layers: Vec<Layer>) -> Schedule {
    Schedule { zone: Tz::Europe__Berlin, layers, overrides: Vec::new() }
}

#[test]
fn a_handover_at_nine_stays_at_nine_through_a_change_of_the_clock() {
    let schedule = berlin(vec![layer(&["ana", "bo"], "weekly", "2026-03-23T09:00:00")]);
    assert_eq!(schedule.on_call(utc("2026-03-23T07:59:59Z")), None, "before it begins");
    assert_eq!(schedule.on_call(utc("2026-03-23T08:00:00Z")), Some("ana"));
    assert_eq!(schedule.on_call(utc("2026-03-30T06:59:59Z")), Some("ana"));
    assert_eq!(schedule.on_call(utc("2026-03-30T07:00:00Z")), Some("bo"), "09:00 is 07:00 UTC by then");
    let duty = schedule.duty(utc("2026-03-31T00:00:00Z")).unwrap();
    assert_eq!((duty.person, duty.until), ("bo", Some(utc("2026-04-06T07:00:00Z"))));
}

#[test]
fn later_layers_and_overrides_go_before_what_stands_below() {
    let nights = hours(layer(&["cy"], "daily", "2026-11-02T00:00:00"), &[DayOfWeek::Fri], "22:00:00", "06:00:00");
    let mut schedule = berlin(vec![layer(&["ana"], "weekly", "2026-11-02T00:00:00"), nights]);
    assert_eq!(schedule.on_call(utc("2026-11-06T20:59:00Z")), Some("ana"));
    assert_eq!(schedule.on_call(utc("2026-11-06T21:00:00Z")), Some("cy"));
    assert_eq!(schedule.on_call(utc("2026-11-07T04:59:00Z")), Some("cy"), "Friday's night ends on Saturday");
    assert_eq!(schedule.on_call(utc("2026-11-07T21:00:00Z")), Some("ana"));
    let over =
        Override { person: "di".to_owned(), from: wall("2026-11-06T23:00:00"), until: wall("2026-11-07T01:00:00") };
    schedule.overrides.push(over);
    assert_eq!(schedule.duty(utc("2026-11-06T22:30:00Z")).unwrap().person, "di");
    assert_eq!(schedule.duty(utc("2026-11-06T22:30:00Z")).unwrap().until, Some(utc("2026-11-07T00:00:00Z")));
}

#[test]
fn a_gap_is_found_wherever_in_the_week_it_is() {
    use DayOfWeek::*;
    let days = layer(&["ana"], "daily", "2026-11-02T00:00:00");
    assert_eq!(berlin(vec![days.clone()]).gap(), None);
    let office = hours(days.clone(), &[Mon, Tue, Wed, Thu, Fri], "09:00:00", "17:00:00");
    let nights = hours(days.clone(), &[], "17:00:00", "09:00:00");
    assert_eq!(berlin(vec![office.clone()]).gap(), Some((Weekday::Mon, NaiveTime::MIN)));
    assert_eq!(berlin(vec![office.clone(), nights.clone()]).gap(), Some((Weekday::Sat, wall_time("09:00:00"))));
    let weekend = Layer { window: Window { days: [Sat, Sun].into(), hours: None }, ..days };
    assert_eq!(berlin(vec![office, nights, weekend]).gap(), None);
    assert_eq!(berlin(Vec::new()).gap(), Some((Weekday::Mon, NaiveTime::MIN)));
}

#[test]
fn a_window_comes_at_the_same_time_of_day_through_a_change_of_the_clock() {
    let time = |text: &str| text.parse::<NaiveTime>().unwrap();
    let nightly = Window { days: BTreeSet::new(), hours: Some((time("02:15:00"), time("03:30:00"))) };
    let next = |at: &str| nightly.next(Tz::Europe__Berlin, utc(at));
    assert_eq!(next("2026-03-28T00:00:00Z"), Some((utc("2026-03-28T01:15:00Z"), utc("2026-03-28T02:30:00Z"))));
    // 02:15 is skipped: it begins when the clock jumps to 03:00.
    assert_eq!(next("2026-03-28T02:30:00Z"), Some((utc("2026-03-29T01:00:00Z"), utc("2026-03-29T01:30:00Z"))));
    assert_eq!(next("2026-03-29T01:30:00Z"), Some((utc("2026-03-30T00:15:00Z"), utc("2026-03-30T01:30:00Z"))));
    let sunday = Window { days: [DayOfWeek::Sun].into(), hours: None };
    let whole = sunday.next(Tz::Europe__Berlin, utc("2026-10-20T00:00:00Z"));
    assert_eq!(whole, Some((utc("2026-10-24T22:00:00Z"), utc("2026-10-25T23:00:00Z"))), "25 hours");
}

fn wall_time(text: &str) -> NaiveTime {
    text.parse().unwrap()
}

#[test]
fn a_shift_is_written_in_words_or_as_a_time() {
    assert_eq!("weekly".parse::<ShiftLength>(), "7d".parse());
    assert_eq!("daily".parse::<ShiftLength>(), "24h".parse());
    for bad in ["", "monthly", "30m", "400d", "1w"] {
        assert!(bad.parse::<ShiftLength>().is_err(), "{bad}");
    }
}

/// Counts handovers by looking at the clock on the wall every minute, as a person would.
struct Watch {
    layer: Layer,
    turns: u64,
    next: NaiveDateTime,
}

impl Watch {
    fn new(layer: Layer) -> Self {
        Self { turns: 0, next: layer.from, layer }
    }

    fn look(&mut self, shown: NaiveDateTime) -> Option<&str> {
        while shown >= self.next {
            self.turns += 1;
            self.next += self.layer.length.span();
        }
        let place = usize::try_from(self.turns.checked_sub(1)?).unwrap() % self.layer.people.len();
        let begun = match self.layer.window.hours {
            Some((from, until)) if from > until && shown.time() < until => shown.date().pred_opt().unwrap(),
            _ => shown.date(),
        };
        let day: DayOfWeek = begun.weekday().into();
        let is_on = self.layer.window.days.is_empty() || self.layer.window.days.contains(&day);
        let is_inside = match self.layer.window.hours {
            None => true,
            Some((from, until)) if from < until => shown.time() >= from && shown.time() < until,
            Some((from, until)) => shown.time() >= from || shown.time() < until,
        };
        (is_on && is_inside).then(|| self.layer.people[place].as_str())
    }
}

fn any_layer() -> impl Strategy<Value = Layer> {
    let length = prop::sample::select(vec!["1h", "7h", "12h", "daily", "3d", "weekly"]);
    let window = prop::option::of((0u32..24, 1u32..24, prop::collection::btree_set(0usize..7, 0..4)));
    (1usize..4, length, -3i64..12, 0u32..24 * 4, window).prop_map(|(people, length, day, quarter, window)| {
        const DAYS: [DayOfWeek; 7] = [
            DayOfWeek::Mon,
            DayOfWeek::Tue,
            DayOfWeek::Wed,
            DayOfWeek::Thu,
            DayOfWeek::Fri,
            DayOfWeek::Sat,
            DayOfWeek::Sun,
        ];
        let time = |hour: u32| NaiveTime::from_hms_opt(hour % 24, 0, 0).unwrap();
        let window = window.map_or_else(Window::default, |(from, longer, days)| Window {
            days: days.into_iter().map(|day| DAYS[day]).collect(),
            hours: Some((time(from), time(from + longer))),
        });
        Layer {
            people: (0..people).map(|person| format!("p{person}")).collect(),
            length: length.parse().unwrap(),
            // The clocks of the zones below change within the days that are looked at.
            from: wall("2026-10-20T00:00:00") + TimeDelta::days(day) + TimeDelta::minutes(i64::from(quarter) * 15),
            window,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_schedule_answers_as_somebody_who_watches_the_clock(
        layers in prop::collection::vec(any_layer(), 1..3),
        zone in prop::sample::select(vec![Tz::Europe__Berlin, Tz::America__New_York, Tz::Australia__Lord_Howe, Tz::UTC]),
        spring in any::<bool>(),
    ) {
        // In the south the clock goes forward in October; in the north it does so in March.
        let shift = if spring { TimeDelta::days(-215) } else { TimeDelta::zero() };
        let layers: Vec<_> = layers.into_iter().map(|layer| Layer { from: layer.from + shift, ..layer }).collect();
        let schedule = Schedule { zone, layers: layers.clone(), overrides: Vec::new() };
        let mut watches: Vec<_> = layers.into_iter().map(Watch::new).collect();
        let start = utc("2026-10-17T00:00:00Z") + shift;
        let (mut before, mut until) = (None, None);
        for minute in 0..18 * 24 * 60 {
            let at = start + TimeDelta::minutes(minute);
            let shown = at.with_timezone(&zone).naive_local();
            let seen: Vec<_> = watches.iter_mut().map(|watch| watch.look(shown).map(str::to_owned)).collect();
            let seen = seen.into_iter().rev().flatten().next();
            if seen != before {
                prop_assert!(until.is_none_or(|until| until == at), "{at}: {until:?} was said");
            }
            if seen != before || minute % 97 == 0 {
                prop_assert_eq!(schedule.on_call(at), seen.as_deref(), "{}", at);
            }
            if seen != before {
                until = schedule.until(at, seen.as_deref());
                before = seen;
            }
        }
    }
}
