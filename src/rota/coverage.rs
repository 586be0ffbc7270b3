//! Whether a schedule has somebody at every hour of the week, once all of its layers have begun.

use chrono::{NaiveTime, Weekday};

use super::schedule::Schedule;

const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

impl Schedule {
    /// The first hour of a week, from Monday on, at which no layer ever has anybody. Who takes which turn does not matter
    /// for that: a layer has somebody whenever its hours have come.
    pub fn gap(&self) -> Option<(Weekday, NaiveTime)> {
        let mut edges: Vec<NaiveTime> = self.layers.iter().flat_map(|layer| layer.window.edges()).collect();
        edges.push(NaiveTime::MIN);
        edges.sort();
        edges.dedup();
        let hours = WEEK.into_iter().flat_map(|day| edges.iter().map(move |time| (day, *time)));
        let is_open =
            |(day, time): &(Weekday, NaiveTime)| !self.layers.iter().any(|layer| layer.window.contains(*day, *time));
        hours.into_iter().find(is_open)
    }
}
