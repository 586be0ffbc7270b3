//! The log as lines, one an event: place, time, kind, stream, who, and what it says; and one event in full.

mod chips;
mod lines;
mod summary;

use super::text::{Align, Row, highlight};
use super::{format, json, words};
use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::console::state::{Doer, Grouping, is_error};
use crate::domain::{Timestamp, Untrusted};
use crate::kinds::{Envelope, Event};

pub use chips::rows as chips;
pub use lines::LogLines;
pub use summary::summary;

/// Columns of an event's kind: as many as the longest name has.
const KIND: usize = 20;

/// How wide the columns of the log's lines are.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    pub width: usize,
    gap: usize,
    /// Of the stream; none below the name of a run.
    stream: usize,
    /// Of who did it, with the blank behind: a name in full where there is room for one.
    by: usize,
}

impl Columns {
    pub fn of(grouping: Grouping, width: usize) -> Self {
        let by = match width {
            ..100 => 0,
            100..160 => 10,
            160.. => 24,
        };
        let stream = if grouping == Grouping::ByRun { 0 } else { 8 };
        Self { width, gap: if width < 100 { 1 } else { 2 }, stream, by }
    }
}

/// The row of column titles.
pub fn heading(columns: &Columns, now: Timestamp) -> Row {
    let Columns { width, gap, stream, by } = *columns;
    let mut row = Row::new();
    row.push_cell(Role::Dim, "seq", 8, Align::Right);
    row.blank(gap);
    row.push_cell(Role::Dim, format::zone(now), 8, Align::Left);
    row.blank(gap);
    row.push_cell(Role::Dim, "event", KIND, Align::Left);
    row.blank(gap);
    if stream > 0 {
        row.push_cell(Role::Dim, "stream", stream, Align::Left);
        row.blank(gap);
    }
    row.push_cell(Role::Dim, if by > 0 { "by" } else { "" }, by, Align::Left);
    row.push(Role::Dim, "what");
    row.cut(width)
}

/// One event on one row. What a search found stands out; where it stands in a part that is not shown, a sign says so.
/// What a person did begins with a bar and is strong, what went wrong with a cross: also without colour.
pub fn line(envelope: &Envelope, search: &str, columns: &Columns) -> Row {
    let Columns { width, gap, stream, by } = *columns;
    let is_persons = Doer::People.did(envelope);
    let mut row = match () {
        () if is_persons => Row::of(Role::Strong, "▌"),
        () if is_error(envelope) => Row::of(Role::Bad, "✗"),
        () => Row::of(Role::Dim, " "),
    };
    row.push_cell(Role::Dim, envelope.seq.to_string(), 7, Align::Right);
    row.blank(gap);
    row.push(Role::Dim, format::clock(envelope.at));
    row.blank(gap);
    let look = if is_persons { Role::Strong } else { words::look(envelope.event.look()) };
    row.push_cell(look, kind(&envelope.event), KIND, Align::Left);
    row.blank(gap);
    if stream > 0 {
        row.push_cell(Role::Dim, envelope.stream.short(), stream, Align::Left);
        row.blank(gap);
    }
    if let Some(columns) = by.checked_sub(1) {
        row.push_cell(words::actor(&envelope.by), envelope.by.name(), columns, Align::Left);
        row.blank(1);
    } else if is_persons {
        row.push(Role::Person, format!("{}: ", shown(envelope.by.name())));
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

fn shown(name: &str) -> String {
    Untrusted::from(name).visible().into_owned()
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
    use crate::console::state::{LogPane, Reading};
    use crate::console::view::fixtures::{Story, night, picture, run_id};
    use crate::kinds::Stream;

    fn log(story: &Story, grouping: Grouping) -> LogPane {
        let mut log = LogPane::default();
        log.events = story.log.iter().cloned().collect();
        (log.reading, log.grouping) = (Reading::Complete, grouping);
        log
    }

    fn rows(story: &Story, log: &LogPane, width: usize) -> Vec<Row> {
        let mut rows = chips(log, width);
        rows.push(heading(&Columns::of(log.grouping, width), story.now()));
        let lines = LogLines::new(log, &story.snapshot, story.now(), width);
        let laid = lines.laid(1_000);
        rows.extend(lines.rows(&laid, 0..laid.rows));
        rows
    }

    #[test]
    fn a_night_of_events() {
        let story = night();
        for width in [80, 120, 200] {
            let log = log(&story, Grouping::ByTime);
            insta::assert_snapshot!(format!("night_{width}"), picture(&rows(&story, &log, width), width));
        }
        for width in [60, 80, 160] {
            let log = log(&story, Grouping::ByRun);
            insta::assert_snapshot!(format!("night_by_run_{width}"), picture(&rows(&story, &log, width), width));
        }
    }

    #[test]
    fn the_events_of_a_run_and_of_its_requests_stand_together_the_latest_run_last() {
        let story = night();
        let log = log(&story, Grouping::ByRun);
        let groups = log.groups(|_| None);
        let streams: Vec<_> = groups.iter().map(|group| group.stream).collect();
        let runs: Vec<_> = story.snapshot.runs.keys().map(|run| Some(Stream::Run(*run))).collect();
        assert_eq!(streams.len(), runs.len(), "every event belongs to a run");
        assert!(runs.iter().all(|run| streams.contains(run)));
        let last: Vec<_> = groups.iter().map(|group| group.events.last().unwrap().seq).collect();
        assert!(last.is_sorted());
        assert_eq!(groups.iter().map(|group| group.events.len()).sum::<usize>(), story.log.len());
    }

    #[test]
    fn a_request_whose_beginning_was_not_read_is_known_from_elsewhere_or_stands_alone() {
        let story = night();
        let denied = story.log.iter().find(|event| event.event.kind() == "approval.denied").unwrap();
        let mut log = LogPane::default();
        log.events = [denied.clone()].into();
        assert_eq!(log.groups(|_| Some(run_id(7)))[0].stream, Some(Stream::Run(run_id(7))));
        assert_eq!(log.groups(|_| None)[0].stream, Some(denied.stream));
    }

    #[test]
    fn what_a_person_decided_stands_out_without_colour() {
        let story = night();
        let rows = rows(&story, &log(&story, Grouping::ByRun), 80);
        let decided: Vec<_> = rows.iter().filter(|row| row.text().starts_with('▌')).collect();
        let kinds = ["approval.denied", "approval.approved", "run.cancelled"];
        assert!(kinds.iter().all(|kind| decided.iter().any(|row| row.text().contains(kind))), "{decided:?}");
        for row in decided {
            let kind = row.spans().iter().find(|span| span.text().contains('.')).unwrap();
            assert_eq!(kind.role(), Role::Strong, "{}", row.text());
        }
    }

    #[test]
    fn what_was_searched_for_stands_out_or_is_pointed_at() {
        let story = night();
        let columns = Columns::of(Grouping::ByRun, 80);
        let rows: Vec<_> = story.log.iter().map(|event| line(event, "PARSER", &columns)).collect();
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
