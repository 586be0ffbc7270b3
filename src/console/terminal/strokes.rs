//! The bytes that make a terminal show another picture: rows that only moved are moved by the terminal itself, and of the
//! rest what differs is written, with the shortest moves between. Writes nothing itself.
//!
//! Only orders that the Linux console, screen, tmux and xterm obey alike. After a character whose width terminals do not
//! agree on, and after the last column, the cursor is taken to be anywhere.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::grid::{Grid, Look};
use super::pen::Pen;
use super::pieces;
use super::pieces::{Manner, Piece};
use super::shift;
use super::shift::Shift;

/// Longest way walked over what has not changed: moving the cursor over it takes as many bytes.
const LONGEST: usize = 4;

/// The bytes that bring the terminal from what it shows to what is wanted; none where that is the same. From then on it
/// shows that.
pub fn bytes(shown: &mut Grid, wanted: &Grid) -> String {
    let mut strokes = Strokes::default();
    if let Some(Shift { top, bottom, by }) = shift::find(shown, wanted) {
        strokes.shift(top, bottom, by);
        shown.shift(top, bottom, by);
    }
    let pieces = pieces::pieces(shown, wanted);
    for row in pieces.chunk_by(|one, next| one.y == next.y) {
        shown.copy_row(row[0].y, wanted);
    }
    let by_row = strokes.clone().drawn(&pieces, wanted);
    // A style may take more bytes to set than it takes to go to the next piece that has it.
    let mut by_style = pieces;
    by_style.sort_by_key(|piece| piece.style);
    let by_style = strokes.drawn(&by_style, wanted);
    if by_style.len() < by_row.len() { by_style } else { by_row }
}

#[derive(Clone, Default)]
struct Strokes {
    bytes: String,
    /// The style that is set.
    pen: Pen,
    /// Column and row of the cursor, where that is known.
    at: Option<(usize, usize)>,
}

impl Strokes {
    /// Writing to a string never fails.
    fn put(&mut self, order: std::fmt::Arguments<'_>) {
        let _ = self.bytes.write_fmt(order);
    }

    fn pen(&mut self, wanted: Pen) {
        self.bytes.push_str(&self.pen.order(wanted));
        self.pen = wanted;
    }

    /// Deleting and inserting lines moves only what lies between the margins; unsetting these moves the cursor.
    fn shift(&mut self, top: usize, bottom: usize, by: isize) {
        let order = if by > 0 { 'M' } else { 'L' };
        let (first, count) = (top + 1, by.unsigned_abs());
        self.put(format_args!("\x1b[{first};{bottom}r\x1b[{first}H\x1b[{count}{order}\x1b[r"));
        self.at = None;
    }

    fn go(&mut self, x: usize, y: usize) {
        if self.at == Some((x, y)) {
            return;
        }
        let anywhere = match x {
            0 => format!("\x1b[{}H", y + 1),
            _ => format!("\x1b[{};{}H", y + 1, x + 1),
        };
        let onward = |columns: usize| match columns {
            0 => String::new(),
            1 => "\x1b[C".to_owned(),
            _ => format!("\x1b[{columns}C"),
        };
        let backward = |columns: usize| match columns {
            0 => String::new(),
            1..=3 => "\u{8}".repeat(columns),
            _ => format!("\x1b[{columns}D"),
        };
        let from_here = match self.at {
            Some((column, row)) if row == y && column < x => onward(x - column),
            Some((column, row)) if row < y && y - row <= 3 => {
                let down = "\n".repeat(y - row);
                let from_edge = format!("\r{down}{}", onward(x));
                let back = if column < x { onward(x - column) } else { backward(column - x) };
                let from_here = format!("{down}{back}");
                if from_here.len() < from_edge.len() { from_here } else { from_edge }
            }
            _ => anywhere.clone(),
        };
        self.bytes.push_str(if from_here.len() < anywhere.len() { &from_here } else { &anywhere });
        self.at = Some((x, y));
    }

    /// The bytes once all pieces are drawn.
    fn drawn(mut self, pieces: &[Piece], wanted: &Grid) -> String {
        for piece in pieces {
            self.piece(piece, wanted.row(piece.y));
        }
        self.pen(Pen::default());
        self.bytes
    }

    fn piece(&mut self, piece: &Piece, wanted: &[Look]) {
        let Piece { y, x, end, .. } = *piece;
        match piece.manner {
            Manner::Written => {
                self.bridge(x, y, wanted);
                self.go(x, y);
                let mut x = x;
                while x < end {
                    // Where the cursor is not known to be after a character, it is put there.
                    self.go(x, y);
                    x = self.write(x, y, wanted);
                }
            }
            Manner::Erased => {
                self.go(x, y);
                self.pen(self.pen.for_erasing());
                self.put(format_args!("\x1b[{}X", end - x));
            }
            Manner::ErasedToEdge => {
                self.go(x, y);
                self.pen(self.pen.for_erasing());
                self.bytes.push_str("\x1b[K");
            }
        }
    }

    /// Writes again what stands between the cursor and column `x`, where that is shorter than moving over it.
    fn bridge(&mut self, x: usize, y: usize, wanted: &[Look]) {
        let Some((column, row)) = self.at else { return };
        if row != y || x <= column || x - column > LONGEST {
            return;
        }
        let Some(between) = wanted.get(column..x) else { return };
        let is_plain = |look: &Look| matches!(look.cell.symbol().as_bytes(), [b' '..=b'~']);
        if between.iter().all(|look| is_plain(look) && self.pen.for_cell(&look.cell) == self.pen) {
            between.iter().for_each(|look| self.bytes.push_str(look.cell.symbol()));
            self.at = Some((x, y));
        }
    }

    /// Writes the character at `x`, and says where the next one is.
    fn write(&mut self, x: usize, y: usize, wanted: &[Look]) -> usize {
        let Some(look) = wanted.get(x) else { return x + 1 };
        if look.is_behind() {
            return x + 1;
        }
        self.pen(self.pen.for_cell(&look.cell));
        let symbol = look.cell.symbol();
        self.bytes.push_str(symbol);
        let next = x + symbol.width().max(1);
        let is_sure = symbol.chars().count() == 1 && next == x + 1 && next < wanted.len();
        self.at = is_sure.then_some((next, y));
        next
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::Terminal;
    use ratatui::backend::{Backend, CrosstermBackend};
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::{Modifier, Style};

    use super::super::Painter;
    use super::*;

    const WIDTH: u16 = 64;
    const HEIGHT: u16 = 12;

    fn style() -> impl Strategy<Value = Style> {
        let plain = Style::new();
        let letters = prop::sample::select(vec![plain, plain.red(), plain.green()]);
        let ground = prop::sample::select(vec![plain, plain.on_red(), plain.on_green()]);
        let manner = vec![plain, plain.bold(), plain.underlined(), plain.reversed(), plain.dim()];
        (letters, ground, prop::sample::select(manner))
            .prop_map(|(letters, ground, manner)| letters.patch(ground).patch(manner))
    }

    type Word = (u16, u16, String, Style);

    /// Words of a row that do not overlap: half of a wide character is nothing that a frame may hold.
    fn line() -> impl Strategy<Value = Vec<Word>> {
        let word = (0..WIDTH / 8, 0..4_u16, "[ab 好é]{1,4}", style());
        // Below the words, rows that are full, so that much is blank after them.
        let full = prop::option::weighted(0.2, style());
        (full, prop::collection::vec(word, 0..6)).prop_map(|(full, mut words)| {
            words.sort_by_key(|(slot, ..)| *slot);
            words.dedup_by_key(|(slot, ..)| *slot);
            let placed = |(slot, shift, word, style): (u16, u16, String, Style)| {
                let room = 8 - word.width() as u16;
                (slot * 8 + shift.min(room), 0, word, style)
            };
            let full = full.into_iter().map(|style| (0, 0, "z".repeat(WIDTH.into()), style));
            full.chain(words.into_iter().map(placed)).collect()
        })
    }

    /// Frames that show a longer page from one place or another, of which a line changes now and then.
    fn frames() -> impl Strategy<Value = Vec<Vec<Word>>> {
        let page = prop::collection::vec(line(), 2 * usize::from(HEIGHT));
        let views =
            prop::collection::vec((0..usize::from(HEIGHT), prop::option::of((0..usize::from(HEIGHT), line()))), 1..6);
        (page, views).prop_map(|(page, views)| {
            let frame = |(from, changed): (usize, Option<(usize, Vec<Word>)>)| {
                let rows = page.iter().skip(from).take(usize::from(HEIGHT)).cloned().enumerate();
                let rows = rows.map(|(y, row)| match &changed {
                    Some((at, line)) if *at == y => (y, line.clone()),
                    _ => (y, row),
                });
                rows.flat_map(|(y, row)| row.into_iter().map(move |(x, _, word, style)| (x, y as u16, word, style)))
                    .collect()
            };
            views.into_iter().map(frame).collect()
        })
    }

    fn paint(words: &[Word], buffer: &mut Buffer) {
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
        assert!(draw(Style::new()).contains("\x1b[1H\x1b[K"));
        assert!(draw(Style::new().on_blue()).contains(&" ".repeat(40)));
    }

    fn picture(bytes: &[u8]) -> vt100::Parser {
        let mut screen = vt100::Parser::new(HEIGHT.try_into().unwrap(), WIDTH.try_into().unwrap(), 0);
        screen.process(bytes);
        screen
    }

    proptest! {
        #[test]
        fn it_shows_the_same_as_a_terminal_that_saw_the_last_frame_alone(frames in frames()) {
            let mut terminal = Terminal::new(Painter::new(WIDTH, HEIGHT)).unwrap();
            let (mut joined, mut plain) = (Vec::new(), Vec::new());
            for words in &frames {
                terminal.draw(|frame| paint(words, frame.buffer_mut())).unwrap();
                joined.extend(terminal.backend_mut().take());
            }
            let blank = Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT));
            let mut last = blank.clone();
            frames.last().into_iter().for_each(|words| paint(words, &mut last));
            CrosstermBackend::new(&mut plain).draw(blank.diff_iter(&last)).unwrap();
            let (joined, plain) = (picture(&joined), picture(&plain));
            for (row, column) in (0..HEIGHT).flat_map(|row| (0..WIDTH).map(move |column| (row, column))) {
                let [ours, theirs] = [&joined, &plain].map(|screen| screen.screen().cell(row, column).unwrap());
                prop_assert_eq!(ours.is_wide_continuation(), theirs.is_wide_continuation());
                if ours.is_wide_continuation() {
                    continue;
                }
                prop_assert_eq!(ours.contents().trim_end(), theirs.contents().trim_end());
                prop_assert_eq!(ours.bgcolor(), theirs.bgcolor());
                prop_assert_eq!((ours.underline(), ours.inverse()), (theirs.underline(), theirs.inverse()));
                // Of bold and dim together it knows only the last one that was set.
                let is_told = !last[(column, row)].modifier.contains(Modifier::BOLD | Modifier::DIM);
                if is_told && !ours.contents().trim_end().is_empty() {
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

    #[test]
    fn a_page_that_scrolls_by_a_line_costs_that_line() {
        let mut terminal = Terminal::new(Painter::new(WIDTH, HEIGHT)).unwrap();
        let mut draw = |from: usize| {
            let text: Vec<_> =
                (from..from + 12).map(|line| format!("{line:>4} {}", "word ".repeat(line % 9 + 2))).collect();
            terminal.draw(|frame| frame.render_widget(text.join("\n").as_str(), frame.area())).unwrap();
            terminal.backend_mut().take().len()
        };
        draw(1);
        let bytes = draw(2);
        assert!(bytes < 120, "{bytes} bytes");
    }
}
