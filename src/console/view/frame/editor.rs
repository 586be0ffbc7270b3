//! A text being typed, wrapped to the screen, with the place of its cursor.

use unicode_segmentation::UnicodeSegmentation;

use crate::console::role::Role;
use crate::console::state::Editor;
use crate::console::view::text::{Row, width as columns};
use crate::domain::visible_words;

/// Rows of an editor, and where its cursor stands in them.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    pub rows: Vec<Row>,
    /// Column and row within `rows`.
    pub cursor: (u16, usize),
}

/// Lays out what is typed in `width` columns and at most `most` rows, those around the cursor.
pub fn rows(editor: &Editor, lead: &Row, width: usize, most: usize) -> Typed {
    let room = width.saturating_sub(lead.width()).max(2);
    let (cursor_line, cursor_character) = editor.cursor();
    let mut laid: Vec<String> = Vec::new();
    let mut cursor = (0, 0);
    for (number, line) in editor.lines().iter().enumerate() {
        let first = laid.len();
        let before = (number == cursor_line).then(|| line.chars().take(cursor_character).collect::<String>());
        let (wrapped, place) = wrap(line, before.as_deref(), room);
        if let Some((column, row)) = place {
            cursor = (column, first + row);
        }
        laid.extend(wrapped);
    }
    let skip = (cursor.1 + 1).saturating_sub(most);
    let rows = laid.into_iter().skip(skip).take(most).map(|text| {
        let mut row = lead.clone();
        row.push(Role::Input, text);
        row
    });
    Typed { rows: rows.collect(), cursor: ((lead.width() + cursor.0) as u16, cursor.1 - skip) }
}

/// A line in rows of at most `room` columns, and the column and row behind `before`.
fn wrap(line: &str, before: Option<&str>, room: usize) -> (Vec<String>, Option<(usize, usize)>) {
    let mut rows = vec![String::new()];
    let mut used = 0;
    let mut read = 0;
    let mut place = None;
    for grapheme in line.graphemes(true) {
        if before.is_some_and(|before| before.len() <= read) && place.is_none() {
            place = Some((used, rows.len() - 1));
        }
        let shown = visible_words(grapheme);
        let wide = columns(&shown);
        if used + wide > room {
            rows.push(String::new());
            used = 0;
        }
        if let Some(row) = rows.last_mut() {
            row.push_str(&shown);
        }
        used += wide;
        read += grapheme.len();
    }
    if before.is_some() && place.is_none() {
        if used >= room {
            rows.push(String::new());
            used = 0;
        }
        place = Some((used, rows.len() - 1));
    }
    (rows, place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::state::Lines;

    fn typed(text: &str, width: usize, most: usize) -> (Vec<String>, (u16, usize)) {
        let typed = rows(&Editor::with(Lines::Many, text), &Row::of(Role::Dim, "> "), width, most);
        (typed.rows.iter().map(Row::text).collect(), typed.cursor)
    }

    #[test]
    fn the_cursor_stands_behind_the_text() {
        assert_eq!(typed("", 10, 3), (vec!["> ".to_owned()], (2, 0)));
        assert_eq!(typed("ab", 10, 3), (vec!["> ab".to_owned()], (4, 0)));
        assert_eq!(typed("日本", 10, 3).1, (6, 0));
    }

    #[test]
    fn a_full_row_moves_the_cursor_to_the_next() {
        let (rows, cursor) = typed("abcd", 6, 3);
        assert_eq!((rows.len(), cursor), (2, (2, 1)));
    }

    #[test]
    fn only_the_rows_around_the_cursor_are_shown() {
        let (rows, cursor) = typed("a\nb\nc\nd", 10, 2);
        assert_eq!((rows, cursor), (vec!["> c".to_owned(), "> d".to_owned()], (3, 1)));
    }
}
