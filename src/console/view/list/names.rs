//! Names cut to their column so that they still differ: where the middle that is left out would be what tells two
//! apart, that is shown, and what they share is left out.

use std::collections::BTreeMap;

use unicode_segmentation::UnicodeSegmentation;

use crate::console::role::Role;
use crate::console::view::text;
use crate::console::view::text::{Row, Span};

/// Stands between two names of one thing.
const AND: &str = " and ";

/// Cuts each of `names` to `width` columns.
pub fn cut(mut names: Vec<&mut Row>, width: usize) {
    let long: Vec<_> = (0..names.len()).filter(|at| names[*at].width() > width).collect();
    let mut alike: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for at in long {
        let cut = names[at].clone().cut_middle(width).text();
        alike.entry(cut).or_default().push(at);
    }
    for group in alike.values() {
        let texts: Vec<_> = group.iter().map(|at| names[*at].text()).collect();
        let differs = first_difference(&texts);
        for at in group {
            let name = std::mem::take(names[*at]);
            *names[*at] = match differs {
                Some(column) => name.cut_towards(column, width),
                None => shortened(name, width),
            };
        }
    }
}

/// A name without its middle; of two that are joined by ` and `, each without its own.
fn shortened(name: Row, width: usize) -> Row {
    const LEAST: usize = 6;
    let Some(at) = name.spans().iter().position(|span| span.role() == Role::Dim && span.text() == AND) else {
        return name.cut_middle(width);
    };
    let side = |spans: &[Span]| {
        let mut row = Row::new();
        spans.iter().cloned().for_each(|span| row.push_span(span));
        row
    };
    let (first, second) = (side(&name.spans()[..at]), side(&name.spans()[at + 1..]));
    let room = width.saturating_sub(AND.len());
    let of_first = first.width().min(room.saturating_sub(second.width().min(LEAST)));
    let mut row = first.cut_middle(of_first.max(room.saturating_sub(second.width())));
    row.push(Role::Dim, AND);
    let left = width.saturating_sub(row.width());
    row.append(second.cut_middle(left));
    row.cut(width)
}

/// The column from which on `texts` are not all the same; `None` where all of them are.
fn first_difference(texts: &[String]) -> Option<usize> {
    let first = texts.first()?;
    let shared = |other: &String| {
        let pairs = first.graphemes(true).zip(other.graphemes(true));
        pairs.take_while(|(one, other)| one == other).map(|(one, _)| one.len()).sum::<usize>()
    };
    let length = texts.iter().map(shared).min()?;
    let is_same = texts.iter().all(|text| text.len() == length);
    (!is_same).then(|| text::width(&first[..length]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_their_middle_alone_are_still_told_apart() {
        let name =
            |number: u32| Row::of(Role::Text, format!("push origin/make-the-failing-test-{number:02}-of-the-api-pass"));
        let mut names: Vec<_> = [1, 2, 12].map(name).into();
        names.push(Row::of(Role::Text, "short"));
        cut(names.iter_mut().collect(), 24);
        let texts: Vec<_> = names.iter().map(Row::text).collect();
        assert_eq!(
            texts,
            ["push o…st-01-of-the-api…", "push o…st-02-of-the-api…", "push o…st-12-of-the-api…", "short"]
        );
    }

    #[test]
    fn the_same_name_twice_keeps_its_ends() {
        let mut names = [(); 2].map(|()| Row::of(Role::Text, "push origin/make-the-failing-test-pass"));
        cut(names.iter_mut().collect(), 16);
        assert!(names.iter().all(|name| name.text() == "push …-test-pass"), "{}", names[0].text());
    }

    #[test]
    fn neither_of_two_names_is_hidden_by_the_other() {
        let two = |first: &str, second: &str| {
            let row = Row::of(Role::Strong, "push ").with(Role::Text, first);
            row.with(Role::Dim, AND).with(Role::Text, second)
        };
        let mut names = [two("origin/fix/parser", "git@github.com:acme/api.git"), two("a", "b")];
        cut(names.iter_mut().collect(), 34);
        assert_eq!(names.map(|name| name.text()), ["push origin/fix/parser and gi….git", "push a and b"]);
    }
}
