//! A schedule: layers over one another, overrides over all of them, and who is on call at an instant.

use chrono::{NaiveDateTime, TimeDelta};
use chrono_tz::Tz;

use super::clock::{instant, wall};
use super::layer::Layer;
use crate::domain::Timestamp;

/// Changes that are looked through for the end of somebody's duty.
const MOST_CHANGES: usize = 500;

/// Who is on call, all through the year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub zone: Tz,
    /// A later one goes before an earlier one wherever it has somebody.
    pub layers: Vec<Layer>,
    /// Go before the layers; a later one before an earlier one.
    pub overrides: Vec<Override>,
}

/// Somebody who stands in, on the wall clock of the schedule's zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    pub person: String,
    pub from: NaiveDateTime,
    pub until: NaiveDateTime,
}

/// Who is on call, and until when as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty<'a> {
    pub person: &'a str,
    pub until: Option<Timestamp>,
}

impl Schedule {
    /// Who is on call; `None` in a gap.
    pub fn on_call(&self, at: Timestamp) -> Option<&str> {
        let stands_in = |over: &&Override| instant(self.zone, over.from) <= at && at < instant(self.zone, over.until);
        let over = self.overrides.iter().rev().find(stands_in).map(|over| over.person.as_str());
        over.or_else(|| self.layers.iter().rev().find_map(|layer| layer.on_call(self.zone, at)))
    }

    /// The same with the end of it.
    pub fn duty(&self, at: Timestamp) -> Option<Duty<'_>> {
        let person = self.on_call(at)?;
        Some(Duty { person, until: self.until(at, Some(person)) })
    }

    /// When somebody else is on call than `now`, who is at `at`.
    pub fn until(&self, at: Timestamp, now: Option<&str>) -> Option<Timestamp> {
        let mut changes = std::iter::successors(self.next_change(at), |at| self.next_change(*at));
        changes.by_ref().take(MOST_CHANGES).find(|change| self.on_call(*change) != now)
    }

    /// The first instant after `at` at which anything in the schedule changes.
    fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let overrides = self.overrides.iter().flat_map(|over| [over.from, over.until]);
        let overrides = overrides.map(|edge| instant(self.zone, edge));
        let layers = self.layers.iter().flat_map(|layer| self.changes_of(layer, at));
        overrides.chain(layers).filter(|change| *change > at).min()
    }

    fn changes_of(&self, layer: &Layer, at: Timestamp) -> Vec<Timestamp> {
        let turn = layer.turn(self.zone, at).and_then(|turn| i64::try_from(turn).ok());
        let next = turn.map_or(0, |turn| turn + 1);
        let mut changes: Vec<_> = (next..next + 2).filter_map(|turn| layer.handover(self.zone, turn)).collect();
        let today = wall(self.zone, at).date();
        for day in [today, today + TimeDelta::days(1), today + TimeDelta::days(2)] {
            changes.extend(layer.window.edges().map(|time| instant(self.zone, day.and_time(time))));
        }
        changes
    }
}
