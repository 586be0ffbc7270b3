//! A list and how a person arranged it: what is shown, in which order. Remembered for the session.

use super::log::Reading;
use super::narrowing::following;
use super::pane::Pane;
use crate::ports::RowPlace;

/// A list over the snapshot's rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListPane {
    pub pane: Pane,
    pub arrangement: Arrangement,
    /// What it could be sorted by and narrowed to when it was drawn last.
    pub offered: Offered,
    /// How far back rows older than the snapshot's were read into it.
    pub reading: Reading,
    /// The last of those.
    pub read_to: Option<RowPlace>,
}

/// What is shown of a list, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrangement {
    /// Only rows that contain this are shown; empty for all.
    pub filter: String,
    /// Only rows of this state; `None` for all.
    pub chip: Option<&'static str>,
    /// `None` for the list's own order.
    pub sort: Option<Sort>,
}

impl Arrangement {
    /// Whether some rows are left out.
    pub fn is_narrowed(&self) -> bool {
        !self.filter.is_empty() || self.chip.is_some()
    }
}

/// By the values of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub column: &'static str,
    pub order: Order,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Names from A, numbers and times from the largest.
    #[default]
    Usual,
    Reversed,
}

/// Columns that a list shows, and states that some of its rows are in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    pub columns: Vec<&'static str>,
    pub chips: Vec<&'static str>,
}

impl ListPane {
    /// Sorts by the column after the present one; after the last, in the list's own order.
    pub fn sort_by_next(&mut self) {
        let next = following(self.offered.columns.iter().copied(), self.arrangement.sort.map(|sort| sort.column));
        self.arrangement.sort = next.map(|column| Sort { column, order: Order::Usual });
    }

    /// Turns the order round; a list in its own order is sorted by its first column then.
    pub fn reverse(&mut self) {
        let first = || self.offered.columns.first().map(|column| Sort { column, order: Order::Usual });
        self.arrangement.sort = self.arrangement.sort.or_else(first).map(|sort| match sort.order {
            Order::Usual => Sort { order: Order::Reversed, ..sort },
            Order::Reversed => Sort { order: Order::Usual, ..sort },
        });
    }

    /// Shows only the rows of the next state; after the last, all.
    pub fn show_next_chip(&mut self) {
        self.arrangement.chip = following(self.offered.chips.iter().copied(), self.arrangement.chip);
    }

    /// Takes the filter away or, where there is none, shows the rows of all states.
    pub fn widen(&mut self) {
        if self.arrangement.filter.is_empty() {
            self.arrangement.chip = None;
        }
        self.arrangement.filter.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_and_narrowing_come_round_to_what_was() {
        let offered = Offered { columns: vec!["goal", "cost"], chips: vec!["live", "failed"] };
        let mut list = ListPane { offered, ..ListPane::default() };
        let mut seen = Vec::new();
        for _ in 0..3 {
            list.sort_by_next();
            list.show_next_chip();
            seen.push((list.arrangement.sort.map(|sort| sort.column), list.arrangement.chip));
        }
        assert_eq!(seen, [(Some("goal"), Some("live")), (Some("cost"), Some("failed")), (None, None)]);
    }

    #[test]
    fn turning_round_twice_changes_nothing() {
        let offered = Offered { columns: vec!["goal", "cost"], chips: Vec::new() };
        let mut list = ListPane { offered, ..ListPane::default() };
        list.reverse();
        assert_eq!(list.arrangement.sort, Some(Sort { column: "goal", order: Order::Reversed }));
        list.reverse();
        assert_eq!(list.arrangement.sort, Some(Sort { column: "goal", order: Order::Usual }));
    }

    #[test]
    fn escape_takes_the_filter_first_and_then_the_chip() {
        let arrangement = Arrangement { filter: "x".to_owned(), chip: Some("live"), sort: None };
        let mut list = ListPane { arrangement, ..ListPane::default() };
        list.widen();
        assert_eq!((list.arrangement.filter.as_str(), list.arrangement.chip), ("", Some("live")));
        list.widen();
        assert_eq!(list.arrangement, Arrangement::default());
    }
}
