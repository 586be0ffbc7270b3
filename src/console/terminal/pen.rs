//! The style that a terminal writes in, and the shortest order that makes it another.

use crossterm::style::Colored;
use ratatui::backend::IntoCrossterm;
use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

use super::grid::SEEN_ON_BLANKS;

/// Marks, the code that sets each and the one that unsets it.
const MARKS: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pen {
    fg: Color,
    bg: Color,
    marks: Modifier,
}

impl Pen {
    fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, marks: cell.modifier }
    }

    /// What it must be for this cell: of a blank only the ground is seen.
    pub fn for_cell(self, cell: &Cell) -> Self {
        let is_blank = cell.symbol() == " " && !cell.modifier.intersects(SEEN_ON_BLANKS);
        if is_blank && !self.marks.intersects(SEEN_ON_BLANKS) { Self { bg: cell.bg, ..self } } else { Self::of(cell) }
    }

    /// Whether blanks that it writes look the same in the style of this cell.
    pub fn for_blanks_of(self, cell: &Cell) -> bool {
        self.bg == cell.bg && !(self.marks | cell.modifier).intersects(SEEN_ON_BLANKS)
    }

    /// What it must be to erase: no ground, nothing that is seen on blanks.
    pub fn for_erasing(self) -> Self {
        if self.marks.intersects(SEEN_ON_BLANKS) { Self::default() } else { Self { bg: Cell::EMPTY.bg, ..self } }
    }

    /// The order that makes it `wanted`; empty where it is already.
    pub fn order(self, wanted: Self) -> String {
        if self == wanted {
            return String::new();
        }
        let changes = self.changes(wanted);
        if changes.is_empty() {
            return changes;
        }
        let anew = Self::default().changes(wanted);
        let anew = if anew.is_empty() { String::new() } else { format!("0;{anew}") };
        let codes = if anew.len() < changes.len() { anew } else { changes };
        format!("\x1b[{codes}m")
    }

    fn changes(self, wanted: Self) -> String {
        let mut codes = Vec::new();
        let mut gone = self.marks - wanted.marks;
        // Of these two some terminals know only the last one that was set, so both are set anew, in their order.
        let weight = Modifier::BOLD | Modifier::DIM;
        if self.marks & weight != wanted.marks & weight {
            gone |= self.marks & weight;
        }
        let mut unset: Vec<_> =
            MARKS.iter().filter(|(mark, ..)| gone.contains(*mark)).map(|(.., code)| *code).collect();
        unset.dedup();
        codes.extend(unset.iter().map(u8::to_string));
        for (mark, set, code) in MARKS {
            // One code unsets two marks, of which one may stay.
            let is_lost = self.marks.contains(mark) && unset.contains(&code);
            if wanted.marks.contains(mark) && (is_lost || !self.marks.contains(mark)) {
                codes.push(set.to_string());
            }
        }
        if self.fg != wanted.fg {
            codes.push(Colored::ForegroundColor(wanted.fg.into_crossterm()).to_string());
        }
        if self.bg != wanted.bg {
            codes.push(Colored::BackgroundColor(wanted.bg.into_crossterm()).to_string());
        }
        // Where no colours are wanted, theirs is empty.
        codes.retain(|code| !code.is_empty());
        codes.join(";")
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn only_what_differs_is_said_and_nothing_where_nothing_does() {
        let plain = Pen::default();
        let mut cell = Cell::EMPTY;
        cell.set_style(Style::new().red());
        let red = Pen::of(&cell);
        let bold = Pen { marks: Modifier::BOLD, ..red };
        let dim = Pen { marks: Modifier::DIM, ..red };
        assert_eq!([plain.order(plain), plain.order(red), red.order(bold)], ["", "\x1b[38;5;1m", "\x1b[1m"]);
        assert_eq!(bold.order(plain), "\x1b[m");
        assert_eq!((bold | dim).order(dim), "\x1b[22;2m");
    }

    impl std::ops::BitOr for Pen {
        type Output = Self;

        fn bitor(self, other: Self) -> Self {
            Self { marks: self.marks | other.marks, ..self }
        }
    }
}
