//! A layer: people who take turns, and the hours of the week in which they do.

use std::collections::BTreeSet;
use std::str::FromStr;

use chrono::{NaiveDateTime, NaiveTime, TimeDelta, Weekday};
use chrono_tz::Tz;
use serde::Deserialize;

use super::clock::{instant, wall};
use crate::domain::{Timestamp, parse_duration};

/// People who take turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// In the order of their turns; never empty.
    pub people: Vec<String>,
    pub length: ShiftLength,
    /// When the first of them begins, on the wall clock; every handover is a whole number of shifts later.
    pub from: NaiveDateTime,
    /// When the layer has somebody at all.
    pub window: Window,
}

/// How long a turn is, on the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShiftLength(TimeDelta);

impl ShiftLength {
    /// How it is written, for messages.
    pub const FORM: &str = "daily, weekly, or hours or days from \"1h\" to \"366d\"";

    pub fn span(self) -> TimeDelta {
        self.0
    }
}

impl FromStr for ShiftLength {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let length = match text {
            "daily" => TimeDelta::days(1),
            "weekly" => TimeDelta::weeks(1),
            other => parse_duration(other).and_then(|length| TimeDelta::from_std(length).ok()).ok_or(())?,
        };
        let is_usable = (TimeDelta::hours(1)..=TimeDelta::days(366)).contains(&length);
        if is_usable { Ok(Self(length)) } else { Err(()) }
    }
}

/// Hours of days of the week, on the wall clock. What begins on a day and ends after midnight belongs to that day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// All of them when none are named.
    pub days: BTreeSet<DayOfWeek>,
    /// From and until; the whole day without.
    pub hours: Option<(NaiveTime, NaiveTime)>,
}

/// A day as it is written in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DayOfWeek {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl From<Weekday> for DayOfWeek {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Mon => Self::Mon,
            Weekday::Tue => Self::Tue,
            Weekday::Wed => Self::Wed,
            Weekday::Thu => Self::Thu,
            Weekday::Fri => Self::Fri,
            Weekday::Sat => Self::Sat,
            Weekday::Sun => Self::Sun,
        }
    }
}

impl Window {
    pub(super) fn contains(&self, day: Weekday, time: NaiveTime) -> bool {
        let is_on = |day: Weekday| self.days.is_empty() || self.days.contains(&day.into());
        match self.hours {
            None => is_on(day),
            Some((from, until)) if from < until => is_on(day) && (from..until).contains(&time),
            Some((from, until)) => (time >= from && is_on(day)) || (time < until && is_on(day.pred())),
        }
    }

    /// From when until when it is the next time after `at`, or around it.
    pub fn next(&self, zone: Tz, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        use chrono::Datelike;
        let (from, until) = self.hours.unwrap_or((NaiveTime::MIN, NaiveTime::MIN));
        let nights = u64::from(from >= until);
        // It may have begun the day before; and a change of the clock may leave nothing of one.
        let mut day = wall(zone, at).date().checked_sub_days(chrono::Days::new(1))?;
        for _ in 0..16 {
            let end = day.checked_add_days(chrono::Days::new(nights))?.and_time(until);
            let (begins, ends) = (instant(zone, day.and_time(from)), instant(zone, end));
            let is_on = self.days.is_empty() || self.days.contains(&day.weekday().into());
            if is_on && begins < ends && at < ends {
                return Some((begins, ends));
            }
            day = day.succ_opt()?;
        }
        None
    }

    /// Times of day at which it may begin or end.
    pub(super) fn edges(&self) -> impl Iterator<Item = NaiveTime> {
        let hours = self.hours.into_iter().flat_map(|(from, until)| [from, until]);
        hours.chain([NaiveTime::MIN])
    }
}

impl Layer {
    /// Whose turn it is, if anybody's.
    pub(super) fn on_call(&self, zone: Tz, at: Timestamp) -> Option<&str> {
        use chrono::Datelike;
        let shown = wall(zone, at);
        let turn = self.turn(zone, at)?;
        let is_inside = self.window.contains(shown.weekday(), shown.time());
        let place = usize::try_from(turn).ok()? % self.people.len().max(1);
        self.people.get(place).filter(|_| is_inside).map(String::as_str)
    }

    /// How many handovers there were; `None` before the layer begins.
    pub(super) fn turn(&self, zone: Tz, at: Timestamp) -> Option<u64> {
        let passed = (wall(zone, at) - self.from).num_seconds();
        let near = passed.div_euclid(self.length.span().num_seconds().max(1));
        // The clock may have jumped by up to a day since or before, and no shift is shorter than an hour.
        let last =
            (near - 25..=near + 25).rev().find(|turn| self.handover(zone, *turn).is_some_and(|start| start <= at));
        last.and_then(|turn| u64::try_from(turn).ok())
    }

    /// When turn number `turn` begins.
    pub(super) fn handover(&self, zone: Tz, turn: i64) -> Option<Timestamp> {
        let turn = i32::try_from(turn).ok()?;
        let after = self.length.span().checked_mul(turn)?;
        Some(instant(zone, self.from.checked_add_signed(after)?))
    }
}
