//! Paints rows: (rows, theme, buffer). Decides nothing, and knows no page.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::console::role::Role;
use crate::console::theme::Theme;
use crate::console::view::text::{Row, is_simple};

/// Paints `rows` from the top of `area`; what does not fit is left out.
pub fn paint(rows: &[Row], theme: &Theme, area: Rect, buffer: &mut Buffer) {
    buffer.set_style(area, theme.style(Role::Text));
    for (y, row) in (area.top()..area.bottom()).zip(rows) {
        paint_row(row, theme, Rect { y, height: 1, ..area }, buffer);
    }
}

fn paint_row(row: &Row, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let column = row.right().map_or(area.width, |beside| u16::try_from(beside.column).unwrap_or(u16::MAX));
    let left = Rect { width: column.min(area.width), ..area };
    let fill = row.fill.map(|role| theme.style(role)).unwrap_or_default();
    if row.fill.is_some() {
        buffer.set_style(left, fill);
    }
    let mut x = left.left();
    for span in row.spans() {
        let room = usize::from(left.right().saturating_sub(x));
        let style = on_fill(fill, theme.style(span.role()));
        x = match is_simple(span.text()) {
            true => paint_simple(span.text(), (x, area.y), room, style, buffer),
            false => buffer.set_stringn(x, area.y, span.text(), room, style).0,
        };
    }
    if let Some(beside) = row.right() {
        let right = Rect { x: left.right(), width: area.width - left.width, ..area };
        paint_row(&beside.row, theme, right, buffer);
    }
}

/// Paints a cell for each character, and says where the next one goes: most of a frame is text of which nothing has to be
/// put together or measured.
fn paint_simple(text: &str, (x, y): (u16, u16), room: usize, style: Style, buffer: &mut Buffer) -> u16 {
    let mut next = x;
    for character in text.chars().take(room) {
        buffer[(next, y)].set_char(character).set_style(style);
        next += 1;
    }
    next
}

/// A span on a filled row keeps its own look and stands on the fill where it has no ground of its own.
fn on_fill(fill: Style, span: Style) -> Style {
    fill.patch(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(rows: &[Row], theme: &str) -> Buffer {
        let area = Rect::new(0, 0, 12, 2);
        let mut buffer = Buffer::empty(area);
        paint(rows, &Theme::builtin(theme).unwrap().unwrap(), area, &mut buffer);
        buffer
    }

    #[test]
    fn a_selected_row_is_marked_to_its_edge_and_keeps_its_roles() {
        let theme = Theme::builtin("dark").unwrap().unwrap();
        let buffer = painted(&[Row::of(Role::Bad, "x").filled(Role::Selected)], "dark");
        assert_eq!(buffer[(0, 0)].style().fg, theme.style(Role::Bad).fg);
        assert_eq!(buffer[(0, 0)].style().bg, theme.style(Role::Selected).bg);
        assert_eq!(buffer[(11, 0)].style().bg, theme.style(Role::Selected).bg);
        assert_ne!(buffer[(11, 1)].style().bg, theme.style(Role::Selected).bg);
    }

    #[test]
    fn a_fill_ends_where_something_stands_beside() {
        let row = Row::of(Role::Text, "x").filled(Role::Selected).beside(4, Row::of(Role::Text, "y"));
        let buffer = painted(&[row], "dark");
        let style = Theme::builtin("dark").unwrap().unwrap().style(Role::Selected);
        assert_eq!((buffer[(3, 0)].style().bg, buffer[(4, 0)].symbol()), (style.bg, "y"));
        assert_ne!(buffer[(4, 0)].style().bg, style.bg);
    }

    #[test]
    fn simple_text_is_painted_as_any_other() {
        let theme = Theme::builtin("dark").unwrap().unwrap();
        let style = theme.style(Role::Bad);
        let area = Rect::new(0, 0, 12, 1);
        for text in ["plain text", "─ █ ┤ x", "longer than there is room for"] {
            let (mut one, mut other) = (Buffer::empty(area), Buffer::empty(area));
            let next = other.set_stringn(1, 0, text, 11, style).0;
            if is_simple(text) {
                assert_eq!(paint_simple(text, (1, 0), 11, style, &mut one), next);
                assert_eq!(one, other, "{text}");
            }
        }
        assert!(is_simple("─┤█ x~") && !is_simple("▰") && !is_simple("é") && !is_simple("\u{7f}"));
    }

    #[test]
    fn no_cell_carries_a_control_character() {
        let buffer = painted(&[Row::of(Role::Text, "a\u{1b}[31mb\u{9b}c")], "monochrome");
        let text: String = buffer.content().iter().map(|cell| cell.symbol()).collect();
        assert!(text.starts_with("a␛[31mb⟨U+00"), "{text:?}");
    }
}
