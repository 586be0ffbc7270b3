//! One row of a list: a cell for each column.

use crate::console::anchor::Anchor;
use crate::console::view::text::Row;

/// What a cell counts for when its column is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Number(i64),
    /// For what it says.
    Text,
}

/// One value, as it is shown and as it is sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    pub row: Row,
    pub(super) key: Key,
}

impl Cell {
    /// Sorted by what it says.
    pub fn text(row: Row) -> Self {
        Self { row, key: Key::Text }
    }

    /// Sorted by an amount, a count or a time.
    pub fn number(row: Row, number: i64) -> Self {
        Self { row, key: Key::Number(number) }
    }
}

/// Its cells, and what it is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRow {
    /// What the cursor rests on; `None` for a row that one passes by.
    pub anchor: Option<Anchor>,
    pub cells: Vec<Cell>,
    /// The state it is counted under: one of the list's chips.
    pub chip: &'static str,
    /// What a filter finds it by besides its cells.
    pub words: String,
}

impl ListRow {
    /// A row of a table that is shown as it is.
    pub fn plain<const N: usize>(anchor: Option<Anchor>, cells: [Row; N]) -> Self {
        Self { anchor, cells: cells.map(Cell::text).into(), chip: "", words: String::new() }
    }

    /// Whether a filter finds it; `wanted` is in lower case.
    pub fn contains(&self, wanted: &str) -> bool {
        let in_cells = self.cells.iter().any(|cell| cell.row.text().to_lowercase().contains(wanted));
        in_cells || self.words.to_lowercase().contains(wanted)
    }
}
