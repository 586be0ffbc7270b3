//! What of a frame has to be written: stretches of a row, each of one style, and blanks to erase. Writes nothing itself.

use unicode_width::UnicodeWidthStr;

use super::grid::{Grid, Look};
use super::pen::Pen;

/// Shortest blank worth an order of its own: that and the move behind it take up to ten bytes.
const SHORTEST_BLANK: usize = 11;
/// Fewest blanks at the end of a row worth the order that erases all of it.
const FEWEST_AT_END: usize = 4;

/// Columns of a row, from `x` to before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub y: usize,
    pub x: usize,
    pub end: usize,
    pub manner: Manner,
    /// The place of its style among those of the frame; what shows no style has the first.
    pub style: usize,
}

/// How a piece comes to be what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Written,
    Erased,
    /// Erased to the edge of the screen.
    ErasedToEdge,
}

/// All that differs, row by row.
pub fn pieces(shown: &Grid, wanted: &Grid) -> Vec<Piece> {
    let mut found = Finding { pieces: Vec::new(), styles: vec![Pen::default()] };
    for (y, (shown, wanted)) in shown.rows().zip(wanted.rows()).enumerate() {
        if shown != wanted {
            found.row(y, shown, wanted);
        }
    }
    found.pieces
}

struct Finding {
    pieces: Vec<Piece>,
    /// Styles met so far.
    styles: Vec<Pen>,
}

impl Finding {
    fn row(&mut self, y: usize, shown: &[Look], wanted: &[Look]) {
        let width = wanted.len();
        // From here on it is blank to the edge.
        let end = wanted.iter().rposition(|look| !look.is_erased()).map_or(0, |last| last + 1);
        let differs = |x: &usize| shown.get(*x) != wanted.get(*x);
        let mut x = 0;
        while let Some(next) = (x..width).find(differs) {
            x = next;
            if x >= end && (x..width).filter(differs).count() >= FEWEST_AT_END {
                self.pieces.push(Piece { y, x, end: width, manner: Manner::ErasedToEdge, style: 0 });
                return;
            }
            let blank = wanted.iter().skip(x).take_while(|look| look.is_erased()).count();
            if (x..x + blank).filter(differs).count() >= SHORTEST_BLANK {
                self.pieces.push(Piece { y, x, end: x + blank, manner: Manner::Erased, style: 0 });
                x += blank;
                continue;
            }
            x = self.character(y, x, wanted);
        }
    }

    /// Takes in the character at `x`, and says where the next one is.
    fn character(&mut self, y: usize, x: usize, wanted: &[Look]) -> usize {
        let Some(look) = wanted.get(x) else { return x + 1 };
        let end = if look.is_behind() { x + 1 } else { x + look.cell.symbol().width().max(1) };
        let last = self.pieces.last_mut().filter(|last| (last.y, last.end) == (y, x) && last.manner == Manner::Written);
        let Some(last) = last else {
            let style = self.style(Pen::default().for_cell(&look.cell));
            self.pieces.push(Piece { y, x, end, manner: Manner::Written, style });
            return end;
        };
        let pen = self.styles.get(last.style).copied().unwrap_or_default();
        let is_blank_so_far =
            |last: &Piece| wanted.iter().take(last.end).skip(last.x).all(|look| look.cell.symbol() == " ");
        if look.is_behind() || pen.for_cell(&look.cell) == pen {
            last.end = end;
        } else if is_blank_so_far(last) && pen.for_blanks_of(&look.cell) {
            // Blanks take the style of what follows them.
            let (first, pen) = (last.x, Pen::default().for_cell(&look.cell));
            self.pieces.pop();
            let style = self.style(pen);
            self.pieces.push(Piece { y, x: first, end, manner: Manner::Written, style });
        } else {
            let style = self.style(Pen::default().for_cell(&look.cell));
            self.pieces.push(Piece { y, x, end, manner: Manner::Written, style });
        }
        end
    }

    fn style(&mut self, pen: Pen) -> usize {
        let known = self.styles.iter().position(|known| *known == pen);
        known.unwrap_or_else(|| {
            self.styles.push(pen);
            self.styles.len() - 1
        })
    }
}
