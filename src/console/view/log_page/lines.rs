//! The log as it scrolls: headings of groups, events on their lines, and the one that is shown in full.

use std::ops::Range;

use super::{Columns, detail, line};
use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::console::state::{Laid, LogGroup, LogPane};
use crate::console::view::text::Row;
use crate::console::view::{format, run_list};
use crate::domain::Timestamp;
use crate::fold::Snapshot;
use crate::kinds::{Envelope, Event, RunEvent, Stream};

/// The log, arranged; only the rows on the screen are laid out.
pub struct LogLines<'a> {
    log: &'a LogPane,
    columns: Columns,
    snapshot: &'a Snapshot,
    now: Timestamp,
    lines: Vec<Line<'a>>,
}

enum Line<'a> {
    Group(Stream, LogGroup<'a>),
    Event(&'a Envelope),
}

impl<'a> LogLines<'a> {
    pub fn new(log: &'a LogPane, snapshot: &'a Snapshot, now: Timestamp, width: usize) -> Self {
        let run_of = |id| snapshot.approvals.get(&id).map(|approval| approval.run);
        let mut lines = Vec::new();
        for group in log.groups(run_of) {
            let events = group.events.clone();
            let is_folded = group.stream.is_some_and(|stream| log.folded.contains(&stream));
            lines.extend(group.stream.map(|stream| Line::Group(stream, group)));
            if !is_folded {
                lines.extend(events.into_iter().map(Line::Event));
            }
        }
        Self { log, columns: Columns::of(log.grouping, width), snapshot, now, lines }
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Where the anchors are, and how many rows there are in all.
    pub fn laid(&self, height: usize) -> Laid {
        let mut rows = 0;
        let stops = self.lines.iter().map(|line| {
            let first = rows;
            rows += match line {
                Line::Event(event) if self.is_whole(event) => self.whole(event).len(),
                Line::Group(..) | Line::Event(_) => 1,
            };
            (line.anchor(), first)
        });
        let stops = stops.collect();
        Laid { rows, height, stops }
    }

    /// The rows in a range.
    pub fn rows(&self, laid: &Laid, range: Range<usize>) -> Vec<Row> {
        let first = laid.stops.partition_point(|(_, row)| *row <= range.start).saturating_sub(1);
        let skip = range.start - laid.stops.get(first).map_or(range.start, |(_, row)| *row);
        let shown = self.lines.iter().skip(first).take(range.len() + 1);
        let rows = shown.flat_map(|line| match line {
            Line::Group(stream, group) => vec![self.heading(*stream, group)],
            Line::Event(event) if self.is_whole(event) => self.whole(event),
            Line::Event(event) => vec![line_of(event, self)],
        });
        rows.skip(skip).take(range.len()).collect()
    }

    fn is_whole(&self, event: &Envelope) -> bool {
        self.log.whole == Some(event.seq)
    }

    /// An event on its line and in full below.
    fn whole(&self, event: &Envelope) -> Vec<Row> {
        let mut rows = vec![line_of(event, self)];
        let detail = detail(event, &self.log.search, self.columns.width);
        rows.extend(detail.into_iter().map(|row| row.anchored(Anchor::Event(event.seq))));
        rows
    }

    /// `▾ make the failing test pass   dev · 31 events · 2 errors · 26m`
    fn heading(&self, stream: Stream, group: &LogGroup<'_>) -> Row {
        let mark = if self.log.folded.contains(&stream) { "▸ " } else { "▾ " };
        let mut name = Row::of(Role::Accent, mark);
        let mut note = Row::new();
        let run = if let Stream::Run(run) = stream { self.snapshot.runs.get(&run) } else { None };
        match (run, begun(group)) {
            (Some(run), _) => {
                name.append(run_list::name(run, Role::Heading));
                note.append(run_list::agent(run));
                note.push(Role::Dim, " · ");
            }
            (None, Some(goal)) => name.append(goal),
            (None, None) => name.push(Role::Heading, format!("{} {}", stream.parts().0, stream.short())),
        }
        note.push(Role::Dim, format::count(group.events.len(), "event", "events"));
        let errors = group.errors();
        if errors > 0 {
            note.push(Role::Dim, " · ");
            note.push(Role::Bad, format::count(errors, "error", "errors"));
        }
        if let Some(last) = group.events.last() {
            note.push(Role::Dim, format!(" · {} ", format::ago(last.at, self.now)));
        }
        let width = self.columns.width;
        let name = name.cut_middle(width.saturating_sub(note.width() + 1));
        Row::spread(name, note, width).anchored(Anchor::Thing(stream))
    }
}

impl Line<'_> {
    fn anchor(&self) -> Anchor {
        match self {
            Self::Group(stream, _) => Anchor::Thing(*stream),
            Self::Event(event) => Anchor::Event(event.seq),
        }
    }
}

fn line_of(event: &Envelope, lines: &LogLines<'_>) -> Row {
    line(event, &lines.log.search, &lines.columns)
}

/// The goal of a run that is no longer in memory, where the event of its beginning was read.
fn begun(group: &LogGroup<'_>) -> Option<Row> {
    group.events.iter().find_map(|envelope| {
        let Event::Run(RunEvent::Started { spec }) = &envelope.event else { return None };
        let mut row = Row::new();
        row.push_untrusted(Role::Heading, &spec.goal);
        Some(row)
    })
}
