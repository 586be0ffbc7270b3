//! Who is on call now, and until when, on one line.

use super::format;
use super::text::Row;
use crate::console::role::Role;
use crate::domain::{Timestamp, Untrusted};
use crate::ports::Roster;

/// `primary ana until 09:00, secondary NOBODY until 17:00`; `None` where there is no schedule.
pub fn row(rosters: &[Roster], now: Timestamp) -> Option<Row> {
    let mut row = Row::new();
    for roster in rosters {
        let Some((turn, until)) = roster.at(now) else { continue };
        row.push(Role::Dim, if row.is_empty() { "" } else { ", " });
        row.push_untrusted(Role::Dim, &Untrusted::from(roster.schedule.as_str()));
        row.blank(1);
        match &turn.person {
            Some(person) => row.push_untrusted(Role::Person, &Untrusted::from(person.as_str())),
            None => row.push(Role::Warning, "NOBODY"),
        }
        row.push(Role::Dim, until.map(|until| format!(" until {}", format::moment(until, now))).unwrap_or_default());
    }
    (!row.is_empty()).then_some(row)
}
