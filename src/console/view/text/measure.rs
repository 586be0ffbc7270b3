//! Columns that text takes on a terminal, and text cut to them. Never splits a grapheme cluster.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// What stands for text that was cut off.
pub const ELLIPSIS: &str = "…";

/// Whether each character stands alone in one column: ASCII that no terminal obeys, and drawn lines and blocks.
pub fn is_simple(text: &str) -> bool {
    text.chars().all(|character| matches!(character, ' '..='~' | '\u{2500}'..='\u{259f}'))
}

/// Columns that `text` takes: the sum over its grapheme clusters, as a terminal's cells are filled.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    if is_simple(text) {
        return text.chars().count();
    }
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// The longest head of `text` that fits; never splits a grapheme cluster.
pub fn prefix(text: &str, room: usize) -> &str {
    if text.is_ascii() {
        return &text[..room.min(text.len())];
    }
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += UnicodeWidthStr::width(grapheme);
        if used > room {
            return &text[..at];
        }
    }
    text
}

/// The longest tail of `text` that fits; never splits a grapheme cluster.
pub fn suffix(text: &str, room: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += UnicodeWidthStr::width(grapheme);
        if used > room {
            return &text[at + grapheme.len()..];
        }
    }
    text
}

/// `text` in at most `room` columns, ending in `…` where it was cut.
pub fn fit(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    match room.checked_sub(1) {
        Some(room) => Cow::Owned(format!("{}{ELLIPSIS}", prefix(text, room))),
        None => Cow::Borrowed(""),
    }
}

/// `text` in at most `room` columns with its middle left out: a path's beginning and its file name both stay.
pub fn fit_middle(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    match room.checked_sub(1) {
        Some(room) => {
            let tail = suffix(text, room - room / 3);
            let head = prefix(text, room - width(tail));
            Cow::Owned(format!("{head}{ELLIPSIS}{tail}"))
        }
        None => Cow::Borrowed(""),
    }
}
