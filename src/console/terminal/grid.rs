//! What a terminal shows, cell by cell, in a form in which equal means that it looks the same.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use ratatui::buffer::Cell;
use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr;

/// What is seen of a blank.
pub const SEEN_ON_BLANKS: Modifier = Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);

/// The look of a cell, and a number by which two can be told apart fast.
#[derive(Clone, Debug)]
pub struct Look {
    pub cell: Cell,
    pub mark: u64,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let mut cell = cell.clone();
        if cell.symbol() == " " && !cell.modifier.intersects(SEEN_ON_BLANKS) {
            cell.fg = Cell::EMPTY.fg;
            cell.modifier = Modifier::empty();
        }
        let mark = FixedState::default().hash_one((cell.symbol(), cell.fg, cell.bg, cell.modifier));
        Self { cell, mark }
    }

    /// Whether erasing leaves just this, whatever a terminal makes of colours when it erases.
    pub fn is_erased(&self) -> bool {
        self.cell.symbol() == " " && self.cell.bg == Cell::EMPTY.bg && self.cell.modifier.is_empty()
    }

    /// Whether it stands behind a wide character, of which it is a part.
    pub fn is_behind(&self) -> bool {
        self.cell.symbol().is_empty()
    }
}

impl PartialEq for Look {
    fn eq(&self, other: &Self) -> bool {
        let style = |look: &Self| (look.cell.fg, look.cell.bg, look.cell.modifier);
        self.mark == other.mark && self.cell.symbol() == other.cell.symbol() && style(self) == style(other)
    }
}

/// All cells of a terminal.
#[derive(Clone, Debug)]
pub struct Grid {
    width: usize,
    cells: Vec<Look>,
}

impl Grid {
    /// A terminal of this size that was just cleared.
    pub fn cleared(width: u16, height: u16) -> Self {
        let cells = vec![Look::of(&Cell::EMPTY); usize::from(width) * usize::from(height)];
        Self { width: usize::from(width).max(1), cells }
    }

    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[Look]> {
        self.cells.chunks(self.width)
    }

    pub fn row(&self, y: usize) -> &[Look] {
        self.rows().nth(y).unwrap_or_default()
    }

    /// Makes a row that of another grid of the same size.
    pub fn copy_row(&mut self, y: usize, other: &Self) {
        let (row, other) = (self.cells.chunks_mut(self.width).nth(y), other.rows().nth(y));
        if let (Some(row), Some(other)) = (row, other) {
            row.clone_from_slice(other);
        }
    }

    /// Puts a character in its place, with what of it stands in the cells behind.
    pub fn set(&mut self, x: u16, y: u16, cell: &Cell) {
        let first = usize::from(y) * self.width + usize::from(x);
        let room = self.width.saturating_sub(usize::from(x));
        if let Some(look) = self.cells.get_mut(first) {
            *look = Look::of(cell);
        }
        let width = if cell.symbol().len() == 1 { 1 } else { cell.symbol().width() };
        let behind = width.saturating_sub(1).min(room.saturating_sub(1));
        for look in self.cells.iter_mut().skip(first + 1).take(behind) {
            let mut cell = cell.clone();
            cell.set_symbol("");
            *look = Look::of(&cell);
        }
        // What stood behind a wide character that is gone is blank, and nobody says so.
        let rest = self.cells.iter_mut().skip(first + 1 + behind).take(room.saturating_sub(1 + behind));
        rest.take_while(|look| look.is_behind()).for_each(|look| *look = Look::of(&Cell::EMPTY));
    }

    /// Moves the rows from `top` to `bottom` by so many rows, up where it is positive; what comes in is blank.
    pub fn shift(&mut self, top: usize, bottom: usize, by: isize) {
        let blank = Look::of(&Cell::EMPTY);
        let region = top * self.width..(bottom * self.width).min(self.cells.len());
        let Some(region) = self.cells.get_mut(region) else { return };
        let moved = (by.unsigned_abs() * self.width).min(region.len());
        if by > 0 {
            region.rotate_left(moved);
            let kept = region.len() - moved;
            region.iter_mut().skip(kept).for_each(|look| *look = blank.clone());
        } else {
            region.rotate_right(moved);
            region.iter_mut().take(moved).for_each(|look| *look = blank.clone());
        }
    }
}
