//! The table of runs, newest first, with as many columns as the screen has room for.

use super::text::{Align, Row};
use super::{format, words};
use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::domain::Timestamp;
use crate::fold::Snapshot;
use crate::kinds::Run;

/// Columns right of the goal; the goal takes what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Agent,
    Steps,
    Cost,
    Age,
    Span,
    Tokens,
    Branch,
    Id,
    Activity,
}

impl Column {
    fn of_width(width: usize) -> &'static [Self] {
        match width {
            0..70 => &[Self::Steps, Self::Cost, Self::Age],
            70..110 => &[Self::Agent, Self::Steps, Self::Cost, Self::Age, Self::Span],
            110..160 => &[Self::Activity, Self::Agent, Self::Steps, Self::Cost, Self::Age, Self::Span],
            _ => &[
                Self::Activity,
                Self::Agent,
                Self::Branch,
                Self::Steps,
                Self::Tokens,
                Self::Cost,
                Self::Age,
                Self::Span,
                Self::Id,
            ],
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Steps => "steps",
            Self::Cost => "cost",
            Self::Age => "age",
            Self::Span => "took",
            Self::Tokens => "tokens",
            Self::Branch => "branch",
            Self::Id => "id",
            Self::Activity => "now",
        }
    }

    fn width(self, screen: usize) -> usize {
        match self {
            Self::Agent => agent_width(screen),
            Self::Steps => 5,
            Self::Cost => 9,
            Self::Age => 4,
            Self::Span => 7,
            Self::Tokens => 6,
            Self::Branch => 20,
            Self::Id => 8,
            Self::Activity => screen / 5 + 2,
        }
    }

    fn align(self) -> Align {
        match self {
            Self::Agent | Self::Branch | Self::Id | Self::Activity => Align::Left,
            Self::Steps | Self::Cost | Self::Age | Self::Span | Self::Tokens => Align::Right,
        }
    }

    fn cell(self, run: &Run, now: Timestamp) -> (Role, String) {
        match self {
            Self::Agent => (Role::Agent, run.agent.clone()),
            Self::Steps => (Role::Text, steps(run)),
            Self::Cost => (Role::Money, format::run_cost(run)),
            Self::Age => (Role::Dim, format::ago(run.started_at, now)),
            Self::Span => (Role::Dim, format::run_span(run, now)),
            Self::Tokens => (Role::Dim, format::quantity(run.tokens)),
            Self::Branch => {
                let branch = run.workspace.as_ref().and_then(|workspace| workspace.branch.clone());
                (Role::Dim, branch.unwrap_or_default())
            }
            Self::Id => (Role::Dim, run.id.short()),
            Self::Activity if run.state.is_final() => (Role::Dim, run.note.visible().into_owned()),
            Self::Activity => (Role::Text, words::activity(run)),
        }
    }
}

/// Columns for an agent's or a procedure's name.
pub fn agent_width(screen: usize) -> usize {
    match screen {
        0..100 => 8,
        100..160 => 12,
        _ => 20,
    }
}

/// `3/5`, or a dash without a plan.
pub fn steps(run: &Run) -> String {
    if run.steps == 0 { "–".to_owned() } else { format!("{}/{}", run.steps_done, run.steps) }
}

/// The heading row and one row a run, each with its anchor.
pub fn rows(runs: &[&Run], now: Timestamp, width: usize) -> Vec<Row> {
    let mut rows = vec![heading(width)];
    rows.extend(runs.iter().map(|run| line(run, now, width)));
    if runs.is_empty() {
        rows.push(Row::of(Role::Dim, "No run here."));
    }
    rows
}

/// Runs that contain a text, newest first; an empty text is contained in every one.
pub fn matching<'a>(snapshot: &'a Snapshot, filter: &str) -> Vec<&'a Run> {
    snapshot.runs_newest_first().filter(|run| is_match(run, filter)).collect()
}

pub fn is_match(run: &Run, filter: &str) -> bool {
    if filter.is_empty() {
        return true;
    }
    let wanted = filter.to_lowercase();
    let branch = run.workspace.as_ref().and_then(|workspace| workspace.branch.as_deref()).unwrap_or_default();
    let word = words::run(run.state).word;
    let id = run.id.to_string();
    let goal = run.goal.visible();
    let note = run.note.visible();
    [goal.as_ref(), &run.agent, word, run.state.name(), branch, &id, run.started_by.name(), note.as_ref()]
        .iter()
        .any(|text| text.to_lowercase().contains(&wanted))
}

fn heading(width: usize) -> Row {
    let mut right = Row::new();
    for column in Column::of_width(width) {
        right.blank(2);
        right.push_cell(Role::Dim, column.title(), column.width(width), column.align());
    }
    Row::spread(Row::of(Role::Dim, "  state      goal"), right, width)
}

fn line(run: &Run, now: Timestamp, width: usize) -> Row {
    let sign = words::run(run.state);
    let mut left = Row::of(sign.role, format!("{} ", sign.glyph));
    left.push_cell(sign.role, sign.word, 10, Align::Left);
    left.blank(1);
    left.push_untrusted(if run.state.is_final() { Role::Dim } else { Role::Text }, &run.goal);
    let mut right = Row::new();
    for column in Column::of_width(width) {
        let (role, text) = column.cell(run, now);
        right.blank(2);
        right.push_cell(role, text, column.width(width), column.align());
    }
    Row::spread(left, right, width).anchored(Anchor::Run(run.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::view::fixtures::{night, picture};

    #[test]
    fn a_night_of_runs() {
        let story = night();
        let runs = matching(&story.snapshot, "");
        for width in [60, 80, 120, 200] {
            insta::assert_snapshot!(format!("night_{width}"), picture(&rows(&runs, story.now(), width), width));
        }
    }

    #[test]
    fn a_filter_finds_by_state_and_by_words() {
        let story = night();
        let count = |filter: &str| matching(&story.snapshot, filter).len();
        assert_eq!((count("waiting"), count("LICENCE"), count("ops"), count("zzz")), (3, 1, 3, 0));
    }
}
