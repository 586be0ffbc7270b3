//! Fewer bytes for the same picture: changed cells that lie close together are joined, where writing again what stands
//! between them is shorter than moving the cursor over it; long blanks become one order to erase. Writes nothing itself.

use ratatui::buffer::Cell;
use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr;

/// Longest way walked over what has not changed: moving the cursor takes six to eight bytes.
const LONGEST: u16 = 5;

/// Shortest blank worth an order of its own: that and the two moves around it take up to 24 bytes.
const SHORTEST_BLANK: usize = 25;

/// What is seen of a blank.
const SEEN_ON_BLANKS: Modifier = Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Strokes {
    /// In order; each in its style.
    pub cells: Vec<(u16, u16, Cell)>,
    /// To be erased once no style is set.
    pub blanks: Vec<Blank>,
}

/// Cells of a row that become blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blank {
    pub x: u16,
    pub y: u16,
    pub length: usize,
}

impl Strokes {
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.blanks.is_empty()
    }

    fn of(cells: Vec<(u16, u16, Cell)>) -> Self {
        let mut strokes = Self::default();
        let goes_on = |(x, y, cell): &(u16, u16, Cell), (next_x, next_y, next): &(u16, u16, Cell)| {
            is_erased(cell) == is_erased(next) && y == next_y && x + 1 == *next_x
        };
        for stretch in cells.chunk_by(goes_on) {
            match stretch {
                [(x, y, cell), ..] if is_erased(cell) && stretch.len() >= SHORTEST_BLANK => {
                    strokes.blanks.push(Blank { x: *x, y: *y, length: stretch.len() });
                }
                _ => strokes.cells.extend_from_slice(stretch),
            }
        }
        strokes
    }
}

/// What the terminal shows, as far as it was told since it was last cleared.
#[derive(Debug, Default)]
pub(super) struct Bridge {
    width: u16,
    shown: Vec<Cell>,
}

impl Bridge {
    /// The terminal was cleared, and has this size.
    pub fn clear(&mut self, width: u16, height: u16) {
        self.width = width;
        self.shown.clear();
        self.shown.resize(usize::from(width) * usize::from(height), Cell::EMPTY);
    }

    /// What to write for these cells, which have changed.
    pub fn join<'a>(&mut self, changed: impl Iterator<Item = (u16, u16, &'a Cell)>) -> Strokes {
        let mut written: Vec<(u16, u16, Cell)> = Vec::new();
        for (x, y, cell) in changed {
            let between = written.last().and_then(|last| self.between(last, x, y));
            written.extend(between.into_iter().flatten());
            let follows = written.last().filter(|(column, row, _)| *row == y && *column + 1 == x);
            let unseen = follows.map(|(.., last)| last).filter(|last| is_blank(cell) && looks_blank_in(cell, last));
            let cell = match unseen {
                Some(last) => blank_like(last),
                None => cell.clone(),
            };
            self.note(x, y, &cell);
            written.push((x, y, cell));
        }
        Strokes::of(written)
    }

    fn note(&mut self, x: u16, y: u16, cell: &Cell) {
        if let Some(shown) = self.index(x, y).and_then(|index| self.shown.get_mut(index)) {
            shown.clone_from(cell);
        }
        // What stands behind a wide character is part of it, and later whatever the terminal leaves there.
        let behind = (x + 1..self.width).take(cell.symbol().width().saturating_sub(1));
        for index in behind.filter_map(|x| self.index(x, y)).collect::<Vec<_>>() {
            if let Some(shown) = self.shown.get_mut(index) {
                shown.set_symbol("");
            }
        }
    }

    /// The unchanged cells from the last one written to the next, where all of them go on in the style of the last.
    fn between(&self, last: &(u16, u16, Cell), x: u16, y: u16) -> Option<Vec<(u16, u16, Cell)>> {
        let (column, row, style) = last;
        let gap = x.checked_sub(column + 1)?;
        // A wide character takes the cell behind it too, which must not be written.
        if *row != y || gap == 0 || gap > LONGEST || style.symbol().width() != 1 {
            return None;
        }
        (column + 1..x).map(|column| Some((column, y, in_style_of(style, self.at(column, y)?)?))).collect()
    }

    fn at(&self, x: u16, y: u16) -> Option<&Cell> {
        self.shown.get(self.index(x, y)?)
    }

    fn index(&self, x: u16, y: u16) -> Option<usize> {
        (x < self.width).then(|| usize::from(y) * usize::from(self.width) + usize::from(x))
    }
}

/// The cell as it can be written in another's style; `None` where that would show. Plain letters only.
fn in_style_of(style: &Cell, cell: &Cell) -> Option<Cell> {
    if is_blank(cell) && looks_blank_in(cell, style) {
        return Some(blank_like(style));
    }
    let is_plain = matches!(cell.symbol().as_bytes(), [b' '..=b'~']);
    (is_plain && cell.style() == style.style()).then(|| cell.clone())
}

fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " "
}

/// Whether erasing leaves just this, whatever a terminal makes of colours when it erases.
fn is_erased(cell: &Cell) -> bool {
    is_blank(cell) && cell.bg == Cell::EMPTY.bg && !cell.modifier.intersects(SEEN_ON_BLANKS)
}

fn looks_blank_in(blank: &Cell, style: &Cell) -> bool {
    blank.bg == style.bg && !(blank.modifier | style.modifier).intersects(SEEN_ON_BLANKS)
}

fn blank_like(style: &Cell) -> Cell {
    let mut blank = style.clone();
    blank.set_symbol(" ");
    blank
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::Terminal;
    use ratatui::backend::{Backend, CrosstermBackend};
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::super::Painter;
    use super::*;

    const WIDTH: u16 = 64;
    const HEIGHT: u16 = 3;

    fn style() -> impl Strategy<Value = Style> {
        let plain = Style::new();
        let letters = prop::sample::select(vec![plain, plain.red(), plain.green()]);
        let ground = prop::sample::select(vec![plain, plain.on_red(), plain.on_green()]);
        let manner = vec![plain, plain.bold(), plain.underlined(), plain.reversed(), plain.dim()];
        (letters, ground, prop::sample::select(manner))
            .prop_map(|(letters, ground, manner)| letters.patch(ground).patch(manner))
    }

    /// Words that do not overlap: half of a wide character is nothing that a frame may hold.
    fn frame() -> impl Strategy<Value = Vec<(u16, u16, String, Style)>> {
        let word = (0..WIDTH / 8, 0..4_u16, 0..HEIGHT, "[ab 好é]{1,4}", style());
        // Below the words, rows that are full, so that much is blank after them.
        let full = prop::collection::vec((0..HEIGHT, style()), 0..2);
        (full, prop::collection::vec(word, 0..8)).prop_map(|(full, mut words)| {
            words.sort_by_key(|(slot, _, row, ..)| (*slot, *row));
            words.dedup_by_key(|(slot, _, row, ..)| (*slot, *row));
            let placed = |(slot, shift, row, word, style): (u16, u16, u16, String, Style)| {
                let room = 8 - word.width() as u16;
                (slot * 8 + shift.min(room), row, word, style)
            };
            let full = full.into_iter().map(|(row, style)| (0, row, "z".repeat(WIDTH.into()), style));
            full.chain(words.into_iter().map(placed)).collect()
        })
    }

    fn paint(words: &[(u16, u16, String, Style)], buffer: &mut Buffer) {
        for (x, y, word, style) in words {
            buffer.set_string(*x, *y, word, *style);
        }
    }

    #[test]
    fn a_long_blank_is_erased_and_a_coloured_one_is_written() {
        let draw = |style: Style| {
            let mut terminal = Terminal::new(Painter::new(40, 1)).unwrap();
            terminal.draw(|frame| frame.render_widget("x".repeat(40), frame.area())).unwrap();
            terminal.backend_mut().take();
            terminal.draw(|frame| frame.buffer_mut().set_style(Rect::new(0, 0, 40, 1), style)).unwrap();
            String::from_utf8(terminal.backend_mut().take()).unwrap()
        };
        assert!(draw(Style::new()).contains("\x1b[1;1H\x1b[40X"));
        assert!(draw(Style::new().on_blue()).contains(&" ".repeat(40)));
    }

    fn picture(bytes: &[u8]) -> vt100::Parser {
        let mut screen = vt100::Parser::new(HEIGHT.try_into().unwrap(), WIDTH.try_into().unwrap(), 0);
        screen.process(bytes);
        screen
    }

    proptest! {
        #[test]
        fn a_terminal_shows_the_same_as_without(frames in prop::collection::vec(frame(), 1..5)) {
            let mut terminal = Terminal::new(Painter::new(WIDTH, HEIGHT)).unwrap();
            let (mut joined, mut plain) = (Vec::new(), Vec::new());
            let mut before = Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT));
            for words in &frames {
                terminal.draw(|frame| paint(words, frame.buffer_mut())).unwrap();
                joined.extend(terminal.backend_mut().take());
                let mut after = Buffer::empty(before.area);
                paint(words, &mut after);
                CrosstermBackend::new(&mut plain).draw(before.diff_iter(&after)).unwrap();
                before = after;
            }
            let (joined, plain) = (picture(&joined), picture(&plain));
            for (row, column) in (0..HEIGHT).flat_map(|row| (0..WIDTH).map(move |column| (row, column))) {
                let [ours, theirs] = [&joined, &plain].map(|screen| screen.screen().cell(row, column).unwrap());
                prop_assert_eq!(ours.contents().trim_end(), theirs.contents().trim_end());
                prop_assert_eq!(ours.bgcolor(), theirs.bgcolor());
                prop_assert_eq!((ours.underline(), ours.inverse()), (theirs.underline(), theirs.inverse()));
                if !ours.contents().trim_end().is_empty() {
                    prop_assert_eq!((ours.fgcolor(), ours.bold(), ours.dim()), (theirs.fgcolor(), theirs.bold(), theirs.dim()));
                }
            }
        }
    }

    #[test]
    fn words_that_change_are_not_jumped_between() {
        let mut terminal = Terminal::new(Painter::new(40, 1)).unwrap();
        let mut draw = |text: &'static str| {
            terminal.draw(|frame| frame.render_widget(text, frame.area())).unwrap();
            terminal.backend_mut().take()
        };
        draw("every single word then");
        let bytes = String::from_utf8(draw("other things came true")).unwrap();
        assert_eq!(bytes.matches('H').count(), 1, "one move, to the beginning: {bytes:?}");
        assert!(bytes.contains("other things came true"), "{bytes:?}");
    }
}
