//! Whose turn it is in a schedule, for some time ahead: enough to say at any moment who is on call and until when.

use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;

/// The turns of one schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    pub schedule: String,
    /// In their order. The last one says only when the one before it ends.
    pub turns: Vec<Turn>,
}

/// Somebody is on call from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    pub from: Timestamp,
    /// Nobody in a gap.
    pub person: Option<String>,
}

impl Roster {
    /// The turn at `now`, and when it ends; `None` where that is not known.
    pub fn at(&self, now: Timestamp) -> Option<(&Turn, Option<Timestamp>)> {
        let next = self.turns.partition_point(|turn| turn.from <= now);
        let turn = self.turns.get(next.checked_sub(1)?)?;
        Some((turn, self.turns.get(next).map(|turn| turn.from)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_turn_of_a_moment_ends_when_the_next_begins() {
        let at = |hour: u32| format!("2026-11-30T{hour:02}:00:00Z").parse::<Timestamp>().unwrap();
        let turn = |hour, person: Option<&str>| Turn { from: at(hour), person: person.map(str::to_owned) };
        let turns = vec![turn(1, Some("ana")), turn(9, None), turn(17, Some("bo"))];
        let roster = Roster { schedule: "primary".to_owned(), turns };
        let shown = |hour| roster.at(at(hour)).map(|(turn, until)| (turn.person.as_deref(), until));
        assert_eq!(shown(0), None);
        assert_eq!([shown(1), shown(8)], [Some((Some("ana"), Some(at(9)))); 2]);
        assert_eq!(shown(9), Some((None, Some(at(17)))));
        assert_eq!(shown(20), Some((Some("bo"), None)));
    }
}
