//! Rows of text with roles, and their width on a terminal. Knows no screen, no colour and no page.
//!
//! A span cannot hold anything that a terminal would obey, hide or reorder: whatever text it is made from goes
//! through `printable`, and a mark that has nothing to stand on is named instead of dropped. So the width computed
//! here is the width painted, and what is painted is all there is. Outside text is made visible before, by
//! `push_untrusted` or by `push_marked`: only then do two texts never look the same.

mod marks;
mod measure;
mod span;

use std::borrow::Cow;

pub use marks::{MIXED, push_marked};
pub use measure::{ELLIPSIS, fit, fit_middle, is_simple, prefix, suffix, width};
pub use span::Span;
use span::painted;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::domain::Untrusted;

/// Where text stands within its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// One row of the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    spans: Vec<Span>,
    pub anchor: Option<Anchor>,
    /// The whole row, to the right edge, has this meaning: a banner, a selection.
    pub fill: Option<Role>,
    beside: Option<Box<Beside>>,
}

/// What stands right of a row from a column on, with a fill of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    pub column: usize,
    pub row: Row,
}

impl Row {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn of<'a>(role: Role, text: impl Into<Cow<'a, str>>) -> Self {
        Self::new().with(role, text)
    }

    pub fn with<'a>(mut self, role: Role, text: impl Into<Cow<'a, str>>) -> Self {
        self.push(role, text);
        self
    }

    pub fn anchored(mut self, anchor: Anchor) -> Self {
        self.anchor = Some(anchor);
        self
    }

    pub fn filled(mut self, role: Role) -> Self {
        self.fill = Some(role);
        self
    }

    /// The row cut to `column` columns, with `right` beside it from there on.
    pub fn beside(self, column: usize, right: Self) -> Self {
        Self { beside: Some(Box::new(Beside { column, row: right })), ..self.cut(column) }
    }

    pub fn right(&self) -> Option<&Beside> {
        self.beside.as_deref()
    }

    pub fn push<'a>(&mut self, role: Role, text: impl Into<Cow<'a, str>>) {
        self.push_span(Span::new(role, text));
    }

    /// Appends a span, joined with the last one when both mean the same.
    pub fn push_span(&mut self, span: Span) {
        if span.text.is_empty() {
            return;
        }
        match self.spans.last_mut() {
            Some(last) if last.role == span.role => last.text.push_str(&span.text),
            _ => self.spans.push(span),
        }
    }

    pub fn append(&mut self, other: Self) {
        other.spans.into_iter().for_each(|span| self.push_span(span));
    }

    /// Outside text on one line, with hidden characters and mixed-script words marked.
    pub fn push_untrusted(&mut self, role: Role, text: &Untrusted) {
        self.push_visible(role, &text.visible());
    }

    /// Text that was made visible, with what stands for something hidden and mixed-script words marked.
    pub fn push_visible(&mut self, role: Role, visible: &str) {
        push_marked(role, visible, &mut |span| self.push_span(span));
    }

    /// Text in a column of its own: cut or padded to exactly `width`.
    pub fn push_cell<'a>(&mut self, role: Role, text: impl Into<Cow<'a, str>>, width: usize, align: Align) {
        let fitted = fit(&painted(text.into()), width).into_owned();
        let blank = " ".repeat(width.saturating_sub(self::width(&fitted)));
        match align {
            Align::Left => {
                self.push_span(Span { role, text: fitted });
                self.push(Role::Text, blank);
            }
            Align::Right => {
                self.push(Role::Text, blank);
                self.push_span(Span { role, text: fitted });
            }
        }
    }

    /// Another row in a column of its own: cut or padded to exactly `width`.
    pub fn push_row_cell(&mut self, cell: Self, width: usize) {
        let cell = cell.cut(width);
        let blank = width.saturating_sub(cell.width());
        self.append(cell);
        self.push(Role::Text, " ".repeat(blank));
    }

    pub fn blank(&mut self, columns: usize) {
        self.push(Role::Text, " ".repeat(columns));
    }

    /// Blanks up to a column; nothing when it is already past.
    pub fn pad_to(&mut self, column: usize) {
        self.blank(column.saturating_sub(self.width()));
    }

    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    pub fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.beside.is_none()
    }

    pub fn width(&self) -> usize {
        match &self.beside {
            Some(beside) => beside.column + beside.row.width(),
            None => self.spans.iter().map(Span::width).sum(),
        }
    }

    /// The text alone.
    pub fn text(&self) -> String {
        let mut text: String = self.spans.iter().map(Span::text).collect();
        if let Some(beside) = &self.beside {
            text.push_str(&" ".repeat(beside.column.saturating_sub(self::width(&text))));
            text.push_str(&beside.row.text());
        }
        text
    }

    /// The row without its first `columns`.
    fn skip(&self, columns: usize) -> Self {
        let mut row = Self::new();
        let mut left = columns;
        for span in &self.spans {
            let dropped = prefix(&span.text, left);
            left -= self::width(dropped);
            row.push_span(Span { role: span.role, text: span.text[dropped.len()..].to_owned() });
            // A wide character that would be split goes as a whole.
            left = if dropped.len() < span.text.len() { 0 } else { left };
        }
        row
    }

    /// The row at most `width` wide, of which the part from `column` on is shown rather than the end.
    pub fn cut_towards(self, column: usize, width: usize) -> Self {
        let head = width / 4;
        // A little of what comes before shows where one is.
        let from = column.saturating_sub(3);
        if self.width() <= width || from <= head + 1 || self.width() < from + width - head {
            return self.cut_middle(width);
        }
        let mut row = self.clone().cut(head + 1);
        let end = self.skip(from).cut(width - row.width());
        row.append(end);
        row
    }

    /// The row at most `width` wide, with its middle left out where it is longer.
    pub fn cut_middle(self, width: usize) -> Self {
        if self.width() <= width || width < 3 {
            return self.cut(width);
        }
        let (mut head, mut tail) = ((width - 1) / 3, 0);
        let mut ends = Vec::new();
        for span in self.spans.iter().rev() {
            let taken = suffix(&span.text, width - 1 - head - tail);
            tail += self::width(taken);
            ends.push(Span { role: span.role, text: taken.to_owned() });
            if taken.len() < span.text.len() {
                break;
            }
        }
        head = width - 1 - tail;
        let mut row = Self { spans: Vec::with_capacity(self.spans.len() + 1), ..self };
        for span in self.spans {
            let taken = prefix(&span.text, head);
            head -= self::width(taken);
            let is_whole = taken.len() == span.text.len();
            row.push_span(Span { role: span.role, text: taken.to_owned() });
            if !is_whole {
                break;
            }
        }
        row.push(row.spans.last().map_or(Role::Dim, Span::role), ELLIPSIS);
        ends.into_iter().rev().for_each(|span| row.push_span(span));
        row
    }

    /// The row at most `width` wide, ending in `…` where something was cut.
    pub fn cut(mut self, width: usize) -> Self {
        if self.width() <= width {
            return self;
        }
        if let Some(mut beside) = self.beside.take() {
            let mut row = self.cut(width.min(beside.column));
            if let Some(room) = width.checked_sub(beside.column) {
                beside.row = beside.row.cut(room);
                row.beside = Some(beside);
            }
            return row;
        }
        let Some(mut room) = width.checked_sub(1) else {
            self.spans.clear();
            return self;
        };
        let mut kept = Vec::with_capacity(self.spans.len());
        let mut last = Role::Dim;
        for span in self.spans {
            last = span.role;
            let taken = prefix(&span.text, room);
            room -= self::width(taken);
            let whole = taken.len() == span.text.len();
            if !taken.is_empty() {
                kept.push(Span { role: span.role, text: taken.to_owned() });
            }
            if !whole {
                break;
            }
        }
        self.spans = kept;
        self.push(last, ELLIPSIS);
        self
    }

    /// `left` at the left edge and `right` at the right one, `left` being cut where they would meet.
    pub fn spread(left: Self, right: Self, width: usize) -> Self {
        let right = right.cut(width);
        let reserved = if right.is_empty() { 0 } else { right.width() + 1 };
        let mut row = left.cut(width.saturating_sub(reserved));
        row.pad_to(width.saturating_sub(right.width()));
        row.append(right);
        row
    }

    /// A section's heading with a line to the right edge.
    pub fn section<'a>(title: impl Into<Cow<'a, str>>, note: Self, width: usize) -> Self {
        let mut row = Self::of(Role::Heading, title).with(Role::Text, " ");
        let tail = note.width() + usize::from(!note.is_empty());
        let line = width.saturating_sub(row.width() + tail);
        row.push(Role::Rule, "─".repeat(line));
        if !note.is_empty() {
            row.blank(1);
            row.append(note);
        }
        row.cut(width)
    }
}

/// The row with every occurrence of `wanted` in the role of a match, and whether there was one. Case is ignored
/// for ASCII letters; a match does not reach over a change of role.
pub fn highlight(row: Row, wanted: &str) -> (Row, bool) {
    let mut marked = Row { spans: Vec::with_capacity(row.spans.len()), ..row };
    let mut found = false;
    for span in row.spans {
        let mut rest = span.text.as_str();
        while let Some(at) = find_ignoring_case(rest, wanted) {
            found = true;
            marked.push_span(Span { role: span.role, text: rest[..at].to_owned() });
            marked.push_span(Span { role: Role::Match, text: rest[at..at + wanted.len()].to_owned() });
            rest = &rest[at + wanted.len()..];
        }
        marked.push_span(Span { role: span.role, text: rest.to_owned() });
    }
    (marked, found)
}

/// A match that a mark follows is none: the mark would be torn from its letter.
fn find_ignoring_case(text: &str, wanted: &str) -> Option<usize> {
    let same = |at: &usize| text.get(*at..*at + wanted.len()).is_some_and(|part| part.eq_ignore_ascii_case(wanted));
    let whole = |at: &usize| !starts_with_mark(&text[*at + wanted.len()..]);
    if wanted.is_empty() { None } else { text.char_indices().map(|(at, _)| at).find(|at| same(at) && whole(at)) }
}

fn starts_with_mark(text: &str) -> bool {
    text.graphemes(true).next().is_some_and(|grapheme| UnicodeWidthStr::width(grapheme) == 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_span_cannot_carry_an_escape_or_a_lone_mark() {
        let row = Row::of(Role::Text, "\u{1b}[31mred").with(Role::Dim, "\u{301}x");
        assert_eq!(row.text(), "␛[31mred⟨U+0301⟩x");
    }

    #[test]
    fn cutting_keeps_wide_characters_whole() {
        assert_eq!(Row::of(Role::Text, "日本語").cut(4).text(), "日…");
        assert_eq!(fit("e\u{301}clair", 3), "e\u{301}c…");
        assert_eq!(fit_middle("src/very/long/path/parser.rs", 16), "src/v…/parser.rs");
    }

    #[test]
    fn a_row_without_its_middle_keeps_both_ends_and_their_roles() {
        let row = Row::of(Role::Strong, "push ").with(Role::Text, "origin/morningai/fix-a-very-long-name-3c6ef362");
        let cut = row.clone().cut_middle(24);
        assert_eq!(cut.text(), "push or…ng-name-3c6ef362");
        assert_eq!((cut.spans()[0].role(), cut.width()), (Role::Strong, 24));
        assert_eq!(Row::of(Role::Text, "日本語テキスト").cut_middle(8).text(), "日…スト");
        assert_eq!(row.clone().cut_middle(200), row);
    }

    #[test]
    fn a_row_is_cut_around_what_tells_it_apart() {
        let row = Row::of(Role::Text, "push origin/morningai/make-the-failing-test-07-of-the-billing-service-pass");
        assert_eq!(row.clone().cut_towards(44, 24).text(), "push o…st-07-of-the-bil…");
        assert_eq!(row.clone().cut_towards(4, 24), row.clone().cut_middle(24));
        assert_eq!(row.clone().cut_towards(70, 24), row.cut_middle(24));
        assert_eq!(Row::of(Role::Text, "日本語のテキストを直す").cut_towards(12, 12).text(), "日…テキスト…");
    }

    #[test]
    fn what_stands_beside_a_row_begins_at_its_column() {
        let row = Row::of(Role::Text, "a long left side").beside(6, Row::of(Role::Bad, "right"));
        assert_eq!((row.text().as_str(), row.width()), ("a lon…right", 11));
        assert_eq!(Row::of(Role::Text, "日").beside(4, Row::of(Role::Bad, "r")).text(), "日  r");
        assert_eq!((row.clone().cut(8).text().as_str(), row.cut(3).text().as_str()), ("a lon…r…", "a …"));
    }

    #[test]
    fn hidden_characters_and_mixed_words_stand_out() {
        let mut row = Row::new();
        row.push_untrusted(Role::Code, &"a\u{202e}b раypal!".into());
        assert_eq!(row.text(), "a⟨U+202E⟩b раypal⟨mixed scripts⟩!");
        let marked: Vec<_> = row.spans().iter().filter(|span| span.role() == Role::Hidden).map(Span::text).collect();
        assert_eq!(marked, ["⟨U+202E⟩", MIXED]);
    }

    #[test]
    fn a_match_is_found_in_any_case_and_changes_no_text() {
        let (row, found) = highlight(Row::of(Role::Dim, "Fix the PARSER, parser").with(Role::Text, " é"), "parser");
        assert!(found);
        assert_eq!(row.text(), "Fix the PARSER, parser é");
        assert_eq!(row.spans().iter().filter(|span| span.role() == Role::Match).count(), 2);
        assert!(!highlight(row, "absent").1);
    }

    #[test]
    fn two_sides_never_meet() {
        let row = Row::spread(Row::of(Role::Text, "a long left side"), Row::of(Role::Dim, "right"), 12);
        assert_eq!(row.text(), "a lon… right");
    }

    fn check_spans(text: &str) {
        let mut row = Row::new();
        row.push_untrusted(Role::Code, &text.into());
        for span in row.spans() {
            assert_eq!(painted(Cow::Borrowed(span.text())), span.text());
        }
    }

    #[test]
    fn a_mark_after_a_change_of_direction_can_be_painted() {
        check_spans("\u{202e}\u{11c3f}");
    }

    proptest! {
        #[test]
        fn a_cut_row_fits(text in any::<String>(), room in 0_usize..40) {
            prop_assert!(Row::of(Role::Text, text.as_str()).cut(room).width() <= room);
            let painted = painted(Cow::Borrowed(&text));
            prop_assert!(width(&fit_middle(&painted, room)) <= room);
        }

        #[test]
        fn a_cell_is_exactly_as_wide_as_asked(text in any::<String>(), room in 0_usize..40) {
            let mut row = Row::new();
            row.push_cell(Role::Text, text, room, Align::Right);
            prop_assert_eq!(row.width(), room);
        }

        #[test]
        fn every_marked_span_can_be_painted_as_it_is(text in "[aбσ\u{301}\u{11c3f}\u{202e}⟨ .!]{0,12}\\PC{0,6}") {
            check_spans(&text);
        }

        #[test]
        fn what_is_painted_is_the_visible_form(text in any::<String>()) {
            let visible = Untrusted::from(text.as_str()).visible().into_owned();
            prop_assert_eq!(painted(Cow::Borrowed(&visible)), visible);
        }
    }
}
