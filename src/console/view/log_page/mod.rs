//! The log as lines, one an event: place, time, kind, stream, who, and what it says; and one event in full.

mod summary;

use super::text::{Align, Row, highlight};
use super::{format, json, words};
use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::kinds::{Envelope, Event};

pub use summary::summary;

/// Columns of an event's kind: as many as the longest name has.
const KIND: usize = 20;

/// Blanks between columns.
fn gap(width: usize) -> usize {
    if width < 100 { 1 } else { 2 }
}

/// Columns of who did it, with the blank behind: a name in full where there is room for one.
fn by(width: usize) -> usize {
    match width {
        ..100 => 0,
        100..160 => 10,
        160.. => 24,
    }
}

/// The row of column titles.
pub fn heading(width: usize) -> Row {
    let mut row = Row::new();
    row.push_cell(Role::Dim, "seq", 7, Align::Right);
    row.blank(gap(width));
    row.push_cell(Role::Dim, "UTC", 8, Align::Left);
    row.blank(gap(width));
    row.push_cell(Role::Dim, "event", KIND, Align::Left);
    row.blank(gap(width));
    row.push_cell(Role::Dim, "stream", 8, Align::Left);
    row.blank(gap(width));
    row.push_cell(Role::Dim, if by(width) > 0 { "by" } else { "" }, by(width), Align::Left);
    row.push(Role::Dim, "what");
    row.cut(width)
}

/// One event on one row. What a search found stands out; where it stands in a part that is not shown, a sign says so.
pub fn line(envelope: &Envelope, search: &str, width: usize) -> Row {
    let mut row = Row::new();
    row.push_cell(Role::Dim, envelope.seq.to_string(), 7, Align::Right);
    row.blank(gap(width));
    row.push(Role::Dim, format::clock(envelope.at));
    row.blank(gap(width));
    row.push_cell(words::look(envelope.event.look()), kind(&envelope.event), KIND, Align::Left);
    row.blank(gap(width));
    row.push(Role::Dim, envelope.stream.short());
    row.blank(gap(width));
    if let Some(columns) = by(width).checked_sub(1) {
        row.push_cell(words::actor(&envelope.by), envelope.by.name(), columns, Align::Left);
        row.blank(1);
    }
    row.append(summary(&envelope.event));
    let row = row.cut(width);
    let anchor = Anchor::Event(envelope.seq);
    if search.is_empty() {
        return row.anchored(anchor);
    }
    let (row, found) = highlight(row, search);
    let row = if found { row } else { Row::spread(row, Row::of(Role::Match, "in it"), width) };
    row.anchored(anchor)
}

/// The event's name; of what happened to accounts without the family, which would push the rest out of the column.
fn kind(event: &Event) -> &'static str {
    let name = event.kind();
    name.strip_prefix("access.").unwrap_or(name)
}

/// One event with all it holds, as it is stored.
pub fn detail(envelope: &Envelope, search: &str, width: usize) -> Vec<Row> {
    let note = Row::of(Role::Dim, format::instant(envelope.at));
    let mut rows = vec![Row::section(format!("Event {}", envelope.seq), note, width)];
    match serde_json::to_value(envelope) {
        Ok(value) => json::lay(&value, &Row::new(), width, &mut rows),
        Err(error) => rows.push(Row::of(Role::Bad, format!("it cannot be shown: {error}")).cut(width)),
    }
    if search.is_empty() { rows } else { rows.into_iter().map(|row| highlight(row, search).0).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::view::fixtures::{Story, night, picture};

    fn lines(story: &Story, search: &str, width: usize) -> Vec<Row> {
        let mut rows = vec![heading(width)];
        rows.extend(story.log.iter().map(|event| line(event, search, width)));
        rows
    }

    #[test]
    fn a_night_of_events() {
        for width in [80, 120, 200] {
            insta::assert_snapshot!(format!("night_{width}"), picture(&lines(&night(), "", width), width));
        }
    }

    #[test]
    fn what_was_searched_for_stands_out_or_is_pointed_at() {
        let story = night();
        let rows = lines(&story, "PARSER", 80);
        let marked = |row: &&Row| row.spans().iter().any(|span| span.role() == Role::Match);
        let texts: Vec<_> = rows.iter().filter(marked).map(Row::text).collect();
        assert!(texts.iter().any(|text| text.contains("src/parser.rs")), "{texts:?}");
        let found = rows.iter().filter(marked).flat_map(|row| row.spans()).filter(|span| span.role() == Role::Match);
        assert!(found.clone().any(|span| span.text() == "parser") && found.clone().any(|span| span.text() == "in it"));
    }

    #[test]
    fn one_event_in_full() {
        let story = night();
        let event = story.log.iter().find(|event| event.event.kind() == "approval.requested").unwrap();
        insta::assert_snapshot!(picture(&detail(event, "origin", 80), 80));
    }
}
