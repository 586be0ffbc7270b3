//! The pages of kinds that are told by their surfaces: the list of one kind, and one thing with its facts.

use super::list::{Cell, Column, List, ListRow};
use super::text::{Align, Row};
use super::wrap::Line;
use super::{chart, format, on_call, words};
use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::console::state::Charts;
use crate::domain::{Timestamp, Untrusted};
use crate::fold::Snapshot;
use crate::kinds::{Look, RowKind, Stream, Surface, Survey, SurveyLine, Thing};
use crate::ports::Roster;

/// Columns of a title that are shown before other columns are let in.
const NAME: usize = 32;

/// All of a kind that are in memory, the most urgent first, and of those the newest. Their facts are needed only to
/// look for a filter's words in.
pub fn list(surface: &Surface, snapshot: &Snapshot, filter: &str, now: Timestamp) -> List {
    let mut columns = vec![Column::whole("", Align::Left, 12), Column::whole("state", Align::Left, 11)];
    columns.extend(surface.columns.iter().map(|column| match column.width {
        None => Column::name(column.title, NAME),
        Some(width) => Column::text(column.title, width.min(8), width, 6),
    }));
    columns.extend([Column::whole("age", Align::Right, 9), Column::whole("id", Align::Left, 1)]);
    let things = if filter.is_empty() { surface.listed(snapshot) } else { surface.things(snapshot) };
    let rows = things.iter().map(|thing| row(thing, now)).collect();
    List { title: surface.plural, columns, chips: surface.states, rows, empty: surface.empty }
}

fn row(thing: &Thing, now: Timestamp) -> ListRow {
    let look = words::look(thing.look);
    let role = if thing.is_open { Role::Text } else { Role::Dim };
    let mut cells = vec![Cell::text(Row::of(look, glyph(thing.look))), Cell::text(Row::of(look, thing.state))];
    cells.extend(thing.cells.iter().map(|cell| Cell::text(text(role, cell))));
    let age = Row::of(Role::Dim, format::ago(thing.began, now));
    cells.push(Cell::number(age, thing.began.timestamp_millis()));
    cells.push(Cell::text(Row::of(Role::Dim, thing.short.as_str())));
    let facts: Vec<_> = thing.facts.iter().map(|fact| fact.value.visible().into_owned()).collect();
    ListRow {
        anchor: Some(Anchor::Thing(thing.stream)),
        cells,
        chip: thing.state,
        words: facts.join(" ") + &thing.id.to_string(),
    }
}

/// A table over all of a kind: counts, and in the last column what they are of.
pub fn survey(survey: &Survey, lines: &[SurveyLine]) -> List {
    let last = survey.columns.len().saturating_sub(1);
    let column = |(place, title): (usize, &&'static str)| match place == last {
        true => Column::name(title, 20),
        false => Column::whole(title, Align::Right, 20_u8.saturating_sub(place as u8)),
    };
    let cell = |cell: &Untrusted| match cell.raw().parse() {
        Ok(0) => Cell::number(Row::of(Role::Dim, "0"), 0),
        Ok(number) => Cell::number(text(Role::Text, cell), number),
        Err(_) => Cell::text(text(Role::Text, cell)),
    };
    let row = |line: &SurveyLine| ListRow {
        anchor: None,
        cells: line.cells.iter().map(cell).collect(),
        chip: "",
        words: String::new(),
    };
    List {
        title: "The last 30 days",
        columns: survey.columns.iter().enumerate().map(column).collect(),
        chips: &[],
        rows: lines.iter().map(row).collect(),
        empty: "Nothing happened in the last 30 days.",
    }
}

/// What a page shows that no thing says of itself.
pub struct Beside<'a> {
    pub rosters: &'a [Roster],
    pub charts: &'a Charts,
}

/// One thing: its state, when it began, and its facts; of an incident also who is on call, and a chart.
pub fn page(surface: &Surface, thing: &Thing, beside: &Beside<'_>, now: Timestamp, width: usize) -> Vec<Row> {
    let note = Row::of(Role::Dim, format!("began {}", format::moment(thing.began, now)));
    let mut rows = vec![Row::section(format!("{} {}", surface.name(), thing.short), note, width)];
    let state = Row::of(words::look(thing.look), format!("{} {}", glyph(thing.look), thing.state));
    let is_paged = thing.kind == RowKind::Incident && thing.is_open;
    let on_call = is_paged.then(|| on_call::row(beside.rosters, now)).flatten();
    let names = thing.facts.iter().map(|fact| fact.name.len());
    let column =
        names.chain(["state".len(), "due".len()]).chain(on_call.as_ref().map(|_| "on call".len())).max().unwrap_or(0)
            + 2;
    let lead = |name: &str| {
        let mut lead = Row::of(Role::Text, " ");
        lead.push_cell(Role::Dim, name, column, Align::Left);
        lead
    };
    Line::led(lead("state"), state).lay(width, &mut rows);
    if let Some(on_call) = on_call {
        Line::led(lead("on call"), on_call).lay(width, &mut rows);
    }
    if let Some(due) = thing.due {
        let left = if due > now { format!("in {}", format::ago(now, due)) } else { "now".to_owned() };
        let due = Row::of(Role::Text, format!("{left}, at {}", format::moment(due, now)));
        Line::led(lead("due"), due).lay(width, &mut rows);
    }
    if let Stream::Incident(id) = thing.stream
        && let Some(chart) = beside.charts.of(id)
    {
        let lines = chart::rows(chart, beside.charts.form, width.saturating_sub(column + 1));
        for (place, line) in lines.into_iter().enumerate() {
            let mut row = lead(if place == 0 { "metric" } else { "" });
            row.append(line);
            rows.push(row);
        }
    }
    let mut before = "";
    for fact in &thing.facts {
        let first = rows.len();
        for line in fact.value.visible_lines() {
            let name = if fact.name == before || rows.len() > first { "" } else { fact.name };
            let mut row = Row::new();
            if rows.len() == first {
                row.push(Role::Dim, fact.at.map(|at| format!("{}  ", format::moment(at, now))).unwrap_or_default());
            }
            row.push_visible(words::look(fact.look), &line);
            Line::led(lead(name), row).lay(width, &mut rows);
        }
        before = if fact.name.is_empty() { before } else { fact.name };
        if let (Some(anchor), Some(row)) = (fact.of.map(anchor), rows.get_mut(first)) {
            row.anchor = Some(anchor);
        }
    }
    rows
}

/// What the cursor rests on that leads to the page of a stream.
fn anchor(stream: Stream) -> Anchor {
    if let Stream::Approval(approval) = stream {
        return Anchor::Approval(approval);
    }
    stream.run().map_or(Anchor::Thing(stream), Anchor::Run)
}

fn text(role: Role, text: &Untrusted) -> Row {
    let mut row = Row::new();
    row.push_untrusted(role, text);
    row
}

pub fn glyph(look: Look) -> &'static str {
    match look {
        Look::Plain | Look::Notable => "○",
        Look::Dim => "–",
        Look::Good => "✓",
        Look::Running => "●",
        Look::Waiting => "◆",
        Look::Warning => "!",
        Look::Bad => "✗",
    }
}
