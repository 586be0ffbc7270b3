//! Text as it can be painted, with what stands for something hidden, and words that mix scripts, marked.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::span::{Span, painted};
use crate::console::role::Role;
use crate::domain::Untrusted;

/// Follows a word that mixes scripts.
pub const MIXED: &str = "⟨mixed scripts⟩";

/// Splits visible text into spans in which names of hidden characters and of mixed scripts stand out. Each piece is
/// painted on its own, for what it stood on may be in another.
pub fn push_marked(role: Role, visible: &str, push: &mut dyn FnMut(Span)) {
    if visible.is_ascii() {
        return push(Span::new(role, visible));
    }
    let shown = painted(Cow::Borrowed(visible));
    let mut rest = shown.as_str();
    while let Some((at, length)) = next_mark(rest) {
        push_words(role, &rest[..at], push);
        push(Span::new(Role::Hidden, &rest[at..at + length]));
        rest = &rest[at + length..];
    }
    push_words(role, rest, push);
}

/// Where the next name of a hidden character stands: a control picture or `⟨U+…⟩`.
fn next_mark(text: &str) -> Option<(usize, usize)> {
    text.char_indices().find_map(|(at, character)| match character {
        '\u{2400}'..='\u{2426}' => Some((at, character.len_utf8())),
        '⟨' if text[at..].starts_with("⟨U+") => text[at..].find('⟩').map(|end| (at, end + '⟩'.len_utf8())),
        _ => None,
    })
}

fn push_words(role: Role, text: &str, push: &mut dyn FnMut(Span)) {
    if !Untrusted::from(text).has_mixed_scripts() {
        return push(Span::new(role, text));
    }
    let mut rest = text;
    while !rest.is_empty() {
        let (word, others) = split_at_change(rest, is_letter);
        push(Span::new(role, word));
        if Untrusted::from(word).has_mixed_scripts() {
            push(Span::new(Role::Hidden, MIXED));
        }
        let (between, next) = split_at_change(others, |cluster| !is_letter(cluster));
        push(Span::new(role, between));
        rest = next;
    }
}

fn is_letter(cluster: &str) -> bool {
    cluster.starts_with(char::is_alphabetic)
}

/// The clusters at the beginning that are as wanted, and the rest. A mark stays with its letter.
fn split_at_change(text: &str, wanted: impl Fn(&str) -> bool) -> (&str, &str) {
    let end = text.grapheme_indices(true).find(|(_, cluster)| !wanted(cluster)).map_or(text.len(), |(at, _)| at);
    text.split_at(end)
}
