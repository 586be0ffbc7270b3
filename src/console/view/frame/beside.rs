//! What stands beside a list when the cursor moves on: it changes from the top, some rows in each frame, so that a key is
//! answered on a slow line before the whole of it has arrived, and a cursor that moves on at once never paid for it.

use crate::console::anchor::Anchor;
use crate::console::view::text::Row;

/// Most rows that change in a frame.
const MOST: usize = 12;

/// What stood there in the last frame, and what does in the one being composed.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    shown: Option<Glance>,
    composed: Option<Glance>,
}

#[derive(Clone, Debug)]
struct Glance {
    of: Place,
    rows: Vec<Row>,
    is_unfinished: bool,
}

/// Beside which list, what is shown of which row, and in how many columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub list: String,
    pub selected: Option<Anchor>,
    pub width: usize,
}

impl Beside {
    /// As much of `wanted` as changes in this frame; below that stands what stood there.
    pub fn settle(&mut self, of: Place, wanted: Vec<Row>) -> Vec<Row> {
        let (mut rows, mut changed) = (wanted, 0);
        let is_same_list = |shown: &&Glance| (&shown.of.list, shown.of.width) == (&of.list, of.width);
        let moves = |shown: &&Glance| shown.of.selected != of.selected || shown.is_unfinished;
        if let Some(shown) = self.shown.as_ref().filter(is_same_list).filter(moves) {
            for (row, before) in rows.iter_mut().zip(&shown.rows) {
                changed += usize::from(row != before);
                if changed > MOST {
                    row.clone_from(before);
                }
            }
        }
        self.composed = Some(Glance { of, rows: rows.clone(), is_unfinished: changed > MOST });
        rows
    }

    pub fn painted(&mut self) {
        self.shown = self.composed.take();
    }

    pub fn is_unfinished(&self) -> bool {
        self.composed.as_ref().is_some_and(|composed| composed.is_unfinished)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::role::Role;
    use crate::console::view::fixtures::run_id;

    fn rows(of: u32, count: usize) -> Vec<Row> {
        (0..count).map(|row| Row::of(Role::Text, format!("row {row} of {of}"))).collect()
    }

    #[test]
    fn a_cursor_that_moves_on_changes_some_rows_a_frame_until_all_are_there() {
        let mut beside = Beside::default();
        let mut frame = |number: u32| {
            let of = Place { list: "runs".to_owned(), selected: Some(Anchor::Run(run_id(number))), width: 40 };
            let shown = beside.settle(of, rows(number, 30));
            let is_unfinished = beside.is_unfinished();
            beside.painted();
            (shown, is_unfinished)
        };
        assert_eq!(frame(1), (rows(1, 30), false), "there was nothing before");
        let (two, three) = (rows(2, 30), rows(3, 30));
        assert_eq!(frame(2), ([&two[..12], &rows(1, 30)[12..]].concat(), true));
        assert_eq!(frame(3), ([&three[..12], &rows(1, 30)[12..]].concat(), true), "it moved on at once");
        assert_eq!(frame(3), ([&three[..24], &rows(1, 30)[24..]].concat(), true));
        assert_eq!(frame(3), (three, false));
    }

    #[test]
    fn what_changes_by_itself_and_another_list_change_at_once() {
        let mut beside = Beside::default();
        for (list, of) in [("runs", 1), ("runs", 2), ("now", 3)] {
            let place = Place { list: list.to_owned(), selected: Some(Anchor::Run(run_id(1))), width: 40 };
            assert_eq!(beside.settle(place, rows(of, 30)), rows(of, 30));
            beside.painted();
        }
    }
}
