//! A piece of text with one meaning, in the form that can be painted.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::measure::{is_simple, width};
use crate::console::role::Role;
use crate::domain::printable;

/// Never holds anything that a terminal would obey, hide or reorder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub(super) role: Role,
    pub(super) text: String,
}

impl Span {
    pub fn new<'a>(role: Role, text: impl Into<Cow<'a, str>>) -> Self {
        Self { role, text: painted(text.into()) }
    }

    pub fn role(&self) -> Role {
        self.role
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn width(&self) -> usize {
        width(&self.text)
    }
}

/// The form that can be painted: nothing hidden, and no grapheme cluster without a width.
pub fn painted(text: Cow<'_, str>) -> String {
    if is_simple(&text) {
        return text.into_owned();
    }
    let visible = printable(&text);
    if visible.graphemes(true).all(|grapheme| UnicodeWidthStr::width(grapheme) > 0) {
        return visible.into_owned();
    }
    let mut shown = String::with_capacity(visible.len() + 16);
    for grapheme in visible.graphemes(true) {
        if UnicodeWidthStr::width(grapheme) > 0 {
            shown.push_str(grapheme);
        } else {
            shown.extend(grapheme.chars().map(|character| format!("⟨U+{:04X}⟩", character as u32)));
        }
    }
    shown
}
