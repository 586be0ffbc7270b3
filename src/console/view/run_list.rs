//! Runs as a list, newest first: what each is for, what it does or came to, and what it took.

use super::list::{Cell, Column, List, ListRow};
use super::text::{Align, Row};
use super::{format, words};
use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::domain::{RunState, Timestamp};
use crate::fold::Snapshot;
use crate::kinds::Run;

const COLUMNS: &[Column] = &[
    Column::whole("", Align::Left, 12),
    Column::whole("state", Align::Left, 7),
    Column::name("goal", 30),
    Column::text("now", 20, 60, 8),
    Column::text("agent", 5, 20, 5),
    Column::text("branch", 12, 40, 1),
    Column::whole("steps", Align::Right, 6),
    Column::whole("tokens", Align::Right, 2),
    Column::whole("cost", Align::Right, 10),
    Column::whole("age", Align::Right, 9),
    Column::whole("took", Align::Right, 3),
    Column::whole("id", Align::Left, 1),
];

const CHIPS: &[&str] = &["live", "waiting", "paused", "failed", "done"];

/// Every run in memory.
pub fn list(snapshot: &Snapshot, now: Timestamp) -> List {
    let rows = snapshot.runs_newest_first().map(|run| row(run, now)).collect();
    List { title: "Runs", columns: COLUMNS.to_vec(), chips: CHIPS, rows, empty: "Nothing has run here yet." }
}

fn row(run: &Run, now: Timestamp) -> ListRow {
    let sign = words::run(run.state);
    let branch = run.workspace.as_ref().and_then(|workspace| workspace.branch.as_deref()).unwrap_or_default();
    let dim = |text: String| Row::of(Role::Dim, text);
    let took = run.ended_at.unwrap_or(now) - run.started_at;
    let cells = vec![
        Cell::text(Row::of(sign.role, sign.glyph)),
        Cell::text(Row::of(sign.role, sign.word)),
        Cell::text(name(run, if run.state.is_final() { Role::Dim } else { Role::Text })),
        Cell::text(doing(run)),
        Cell::text(agent(run)),
        Cell::text(Row::of(Role::Dim, short_branch(branch))),
        Cell::number(Row::of(Role::Text, steps(run)), i64::from(run.steps_done)),
        Cell::number(dim(format::quantity(run.tokens)), i64::try_from(run.tokens).unwrap_or(i64::MAX)),
        Cell::number(Row::of(Role::Money, format::run_cost(run)), run.cost.0),
        Cell::number(dim(format::ago(run.started_at, now)), run.started_at.timestamp_millis()),
        Cell::number(dim(format::run_span(run, now)), took.num_milliseconds()),
        Cell::text(dim(run.id.short())),
    ];
    let (goal, note) = (run.goal.visible(), run.note.visible());
    let words = [goal.as_ref(), &run.agent, run.state.name(), &run.id.to_string(), run.started_by.name(), &note];
    ListRow { anchor: Some(Anchor::Run(run.id)), cells, chip: chip(run.state), words: words.join(" ") }
}

fn chip(state: RunState) -> &'static str {
    match state {
        RunState::Planning | RunState::Running => "live",
        RunState::Waiting | RunState::InDoubt => "waiting",
        RunState::Paused => "paused",
        RunState::Failed => "failed",
        RunState::Succeeded | RunState::Cancelled => "done",
    }
}

/// What a run is told apart by: its goal, or the name of the procedure, whose description is the same each time.
pub fn name(run: &Run, role: Role) -> Row {
    let mut row = Row::new();
    match run.is_procedure {
        true => row.push_untrusted(role, &run.agent.as_str().into()),
        false => row.push_untrusted(role, &run.goal),
    }
    row
}

/// A branch without the prefix that all of ours have.
pub fn short_branch(branch: &str) -> &str {
    branch.strip_prefix("morningai/").unwrap_or(branch)
}

/// Who works on it.
pub fn agent(run: &Run) -> Row {
    if run.is_procedure { Row::of(Role::Dim, "procedure") } else { Row::of(Role::Agent, run.agent.as_str()) }
}

/// What it does at this moment or, once it has ended, what it came to.
pub fn doing(run: &Run) -> Row {
    if !run.state.is_final() {
        return Row::of(Role::Text, words::activity(run));
    }
    let mut row = Row::new();
    row.push_untrusted(Role::Dim, &run.note);
    row
}

/// `3/5`, or a dash without a plan.
pub fn steps(run: &Run) -> String {
    if run.steps == 0 { "–".to_owned() } else { format!("{}/{}", run.steps_done, run.steps) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::state::Arrangement;
    use crate::console::view::fixtures::{night, picture};

    #[test]
    fn a_night_of_runs() {
        let story = night();
        for width in [60, 80, 120, 200] {
            let view = list(&story.snapshot, story.now()).lay(&Arrangement::default(), width, width);
            let rows: Vec<_> = view.heading.into_iter().chain(view.rows).collect();
            insta::assert_snapshot!(format!("night_{width}"), picture(&rows, width));
        }
    }

    #[test]
    fn a_filter_finds_by_state_and_by_words() {
        let story = night();
        let count = |filter: &str| {
            let arrangement = Arrangement { filter: filter.to_owned(), ..Arrangement::default() };
            let view = list(&story.snapshot, story.now()).lay(&arrangement, 80, 80);
            view.rows.iter().filter(|row| row.anchor.is_some()).count()
        };
        assert_eq!((count("waiting"), count("LICENCE"), count("ops"), count("zzz")), (3, 1, 3, 0));
    }
}
