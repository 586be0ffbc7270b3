//! The style that a terminal writes in, and the shortest order that makes it another.

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

    /// What it must be to erase: no ground, nothing that is seen on blanks.
    pub fn for_erasing(self) -> Self {
        if self.marks.intersects(SEEN_ON_BLANKS) { Self::default() } else { Self { bg: Color::Reset, ..self } }
    }

    /// The order that makes it `wanted`; empty where it is already.
    pub fn order(self, wanted: Self) -> String {
        if self == wanted {
            return String::new();
        }
        let anew = Self::default().changes(wanted);
        let anew = if anew.is_empty() { String::new() } else { format!("0;{anew}") };
        let changes = self.changes(wanted);
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
            codes.push(colour(wanted.fg, 30));
        }
        if self.bg != wanted.bg {
            codes.push(colour(wanted.bg, 40));
        }
        codes.join(";")
    }
}

/// The code of a colour; `base` is 30 for letters and 40 for the ground.
fn colour(colour: Color, base: u8) -> String {
    let named = |index: u8| (base + index).to_string();
    let bright = |index: u8| (base + 60 + index).to_string();
    match colour {
        Color::Reset => named(9),
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(index) => format!("{};5;{index}", base + 8),
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", base + 8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_said_and_nothing_where_nothing_does() {
        let plain = Pen::default();
        let red = Pen { fg: Color::Red, ..plain };
        let bold = Pen { marks: Modifier::BOLD, ..red };
        let dim = Pen { marks: Modifier::DIM, ..red };
        assert_eq!([plain.order(plain), plain.order(red), red.order(bold)], ["", "\x1b[31m", "\x1b[1m"]);
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
