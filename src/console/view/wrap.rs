//! Logical lines broken into rows of a given width. Never splits a grapheme cluster and never loses one.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::text::{Row, Span, push_marked};
use crate::console::role::Role;
use crate::domain::{CONTINUED, Untrusted};

/// How a line that is too long is treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wrap {
    /// At blanks; a word longer than a row is broken where the row ends.
    #[default]
    Words,
    /// Exactly where the row ends, every blank kept, and shown where the row ends in one: for what will run.
    Anywhere,
    /// Not at all: the rest is replaced by `…`.
    Cut,
}

/// A line before it knows how wide the screen is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub row: Row,
    /// What stands before each row but the first, e.g. blanks or a quote's bar.
    pub hang: Row,
    pub wrap: Wrap,
}

impl Line {
    pub fn new(row: Row) -> Self {
        Self { row, ..Self::default() }
    }

    /// `lead` before the first row, as many blanks before the others, and `text` in between.
    pub fn led(lead: Row, text: Row) -> Self {
        let mut hang = Row::new();
        hang.blank(lead.width());
        let mut row = lead;
        row.append(text);
        Self { row, hang, wrap: Wrap::Words }
    }

    pub fn hang(mut self, hang: Row) -> Self {
        self.hang = hang;
        self
    }

    pub fn wrap(mut self, wrap: Wrap) -> Self {
        self.wrap = wrap;
        self
    }

    /// Appends the rows of this line, each at most `width` wide.
    pub fn lay(self, width: usize, rows: &mut Vec<Row>) {
        let width = width.max(1);
        if self.row.width() <= width {
            return rows.push(self.row);
        }
        if self.wrap == Wrap::Cut {
            return rows.push(self.row.cut(width));
        }
        let anchor = self.row.anchor;
        let fill = self.row.fill;
        let from = rows.len();
        Breaker::new(width, self.hang, self.wrap).run(&self.row, rows);
        for row in &mut rows[from..] {
            row.anchor = anchor;
            row.fill = fill;
        }
    }

    pub fn rows(self, width: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        self.lay(width, &mut rows);
        rows
    }
}

/// `columns` blanks that end in the sign of a row that goes on from the one above.
pub fn continued(columns: usize) -> Row {
    let mut row = Row::new();
    row.blank(columns.saturating_sub(2));
    if columns >= 2 { row.with(Role::Dim, format!("{CONTINUED} ")) } else { row }
}

/// Outside text, line by line, each with `lead` before it.
pub fn untrusted_lines(lead: &Row, role: Role, text: &Untrusted, wrap: Wrap, width: usize, rows: &mut Vec<Row>) {
    for visible in text.visible_lines() {
        let mut row = Row::new();
        push_marked(role, &visible, &mut |span| row.push_span(span));
        Line { row: joined(lead, row), hang: lead.clone(), wrap }.lay(width, rows);
    }
}

/// Our own sentence as a paragraph.
pub fn sentence<'a>(role: Role, text: impl Into<Cow<'a, str>>, width: usize, rows: &mut Vec<Row>) {
    Line::new(Row::of(role, text)).lay(width, rows);
}

fn joined(lead: &Row, rest: Row) -> Row {
    let mut row = lead.clone();
    row.append(rest);
    row
}

/// A blank that would not be seen, as a piece of a row.
const SHOWN_BLANK: &str = "␠";

/// The pieces of one row being filled: role, text, width.
type Piece<'a> = (Role, &'a str, usize);

struct Breaker<'a> {
    width: usize,
    hang: Row,
    hang_width: usize,
    wrap: Wrap,
    pieces: Vec<Piece<'a>>,
    used: usize,
    first: usize,
}

impl<'a> Breaker<'a> {
    fn new(width: usize, hang: Row, wrap: Wrap) -> Self {
        // A hanging indent that leaves too little room would make a column of single letters.
        let hang = if hang.width() * 2 > width { Row::new() } else { hang };
        let hang_width = hang.width();
        Self { width, hang, hang_width, wrap, pieces: Vec::new(), used: 0, first: 0 }
    }

    fn run(mut self, row: &'a Row, rows: &mut Vec<Row>) {
        self.first = rows.len();
        for span in row.spans() {
            for grapheme in span.text().graphemes(true) {
                let wide = UnicodeWidthStr::width(grapheme);
                if wide > self.width {
                    // A cluster wider than the screen (chained Hangul jamo) can only be shown in parts.
                    for (at, character) in grapheme.char_indices() {
                        let part = &grapheme[at..at + character.len_utf8()];
                        self.take((span.role(), part, UnicodeWidthStr::width(part)), rows);
                    }
                } else {
                    self.take((span.role(), grapheme, wide), rows);
                }
            }
        }
        if !self.pieces.is_empty() {
            self.flush(self.pieces.len(), rows);
        }
    }

    fn take(&mut self, piece: Piece<'a>, rows: &mut Vec<Row>) {
        if self.used + piece.2 > self.room(rows) && !self.pieces.is_empty() {
            match self.wrap {
                Wrap::Words if piece.1 == " " => {
                    self.flush(self.pieces.len(), rows);
                    return;
                }
                Wrap::Words => self.flush(self.last_break(), rows),
                Wrap::Anywhere | Wrap::Cut => {
                    if let Some(last) = self.pieces.last_mut().filter(|(_, text, _)| *text == " ") {
                        (last.0, last.1) = (Role::Hidden, SHOWN_BLANK);
                    }
                    self.flush(self.pieces.len(), rows);
                }
            }
            // What was carried over may be too long itself where the hanging indent takes room away.
            if self.used + piece.2 > self.room(rows) && !self.pieces.is_empty() {
                self.flush(self.pieces.len(), rows);
            }
        }
        self.used += piece.2;
        self.pieces.push(piece);
    }

    fn room(&self, rows: &[Row]) -> usize {
        if rows.len() == self.first { self.width } else { self.width - self.hang_width }
    }

    /// How many pieces stay on this row: up to the last blank that is followed by something.
    fn last_break(&self) -> usize {
        let blank = |(_, text, _): &Piece<'_>| *text == " ";
        let leading = self.pieces.iter().take_while(|piece| blank(piece)).count();
        match self.pieces.iter().rposition(blank) {
            Some(at) if at >= leading => at + 1,
            _ => self.pieces.len(),
        }
    }

    fn flush(&mut self, count: usize, rows: &mut Vec<Row>) {
        let needed: usize = self.pieces[..count].iter().map(|(_, _, wide)| wide).sum();
        // The hanging indent gives way to a cluster that needs its room.
        let hangs = rows.len() > self.first && self.hang_width + needed <= self.width;
        let mut row = if hangs { self.hang.clone() } else { Row::new() };
        let mut text = String::new();
        let mut role = Role::Text;
        for (piece_role, piece, _) in self.pieces.drain(..count) {
            if piece_role != role && !text.is_empty() {
                row.push_span(Span::new(role, std::mem::take(&mut text)));
            }
            role = piece_role;
            text.push_str(piece);
        }
        row.push_span(Span::new(role, text));
        rows.push(row);
        self.used = self.pieces.iter().map(|(_, _, wide)| wide).sum();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(line: Line, width: usize) -> Vec<String> {
        line.rows(width).iter().map(Row::text).collect()
    }

    #[test]
    fn words_stay_whole_where_they_can() {
        let line = Line::led(Row::of(Role::Dim, "- "), Row::of(Role::Text, "make the failing test pass"));
        assert_eq!(texts(line, 12), ["- make the ", "  failing ", "  test pass"]);
    }

    #[test]
    fn a_word_longer_than_the_row_is_broken_where_it_ends() {
        assert_eq!(texts(Line::new(Row::of(Role::Text, "abcdefghij k")), 4), ["abcd", "efgh", "ij k"]);
    }

    #[test]
    fn what_will_run_keeps_every_blank() {
        let line = Line::new(Row::of(Role::Code, "a    b    c")).wrap(Wrap::Anywhere);
        assert_eq!(texts(line, 4), ["a  ␠", " b ␠", "  c"]);
    }

    #[test]
    fn wide_characters_are_not_torn() {
        assert_eq!(texts(Line::new(Row::of(Role::Text, "日本語です")), 5), ["日本", "語で", "す"]);
    }

    fn row_of(parts: &[(bool, String)]) -> Row {
        let mut row = Row::new();
        for (dim, text) in parts {
            row.push(if *dim { Role::Dim } else { Role::Text }, text.as_str());
        }
        row
    }

    fn check_rows(parts: &[(bool, String)], width: usize) {
        for wrap in [Wrap::Words, Wrap::Anywhere, Wrap::Cut] {
            let line = Line::new(row_of(parts)).hang(Row::of(Role::Dim, "  ")).wrap(wrap);
            for row in line.rows(width) {
                assert!(row.width() <= width, "{:?} is {} wide", row.text(), row.width());
            }
        }
    }

    #[test]
    fn rows_with_marks_of_other_scripts_fit() {
        for text in ["\u{c4a}𝌀𑏊", " A៘"] {
            check_rows(&[(false, text.to_owned())], 4);
        }
    }

    proptest! {
        // No character is wider than three columns.
        #[test]
        fn every_row_fits(parts in prop::collection::vec((any::<bool>(), any::<String>()), 0..4), width in 3_usize..50) {
            check_rows(&parts, width);
        }

        #[test]
        fn wrapping_anywhere_loses_nothing(text in "\\PC{0,60}", width in 2_usize..20) {
            let row = Row::of(Role::Code, text.as_str());
            let whole = row.text();
            let joined: String = texts(Line::new(row).wrap(Wrap::Anywhere), width).concat();
            prop_assert_eq!(joined.replace('␠', " "), whole.replace('␠', " "));
        }

        #[test]
        fn wrapping_words_loses_at_most_a_blank_at_a_break(text in "[a-z ]{0,80}", width in 2_usize..20) {
            let row = Row::of(Role::Text, text.as_str());
            let rows = texts(Line::new(row), width);
            let letters: String = rows.concat().split(' ').collect();
            prop_assert_eq!(letters, text.split(' ').collect::<String>());
        }
    }
}
