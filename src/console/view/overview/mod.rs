//! The first page: what needs somebody, most pressing first; what runs; what ended, and how; what it costs. On a new
//! machine: what to do.

mod context;
mod costs;
mod first_run;
mod found;
mod needs;
mod row;

pub use context::OverviewContext;
use found::Found;
pub use needs::{count as needs, troubles, untaken};
use row::{named, table_row};

use super::list::{Column, lines};
use super::queue::Sizes;
use super::text::{Align, Row};
use super::wrap::Line;
use super::{format, on_call, run_list, words};
use crate::console::intent::Intent;
use crate::console::role::Role;
use crate::domain::{RunState, Timestamp};
use crate::fold::Snapshot;
use crate::kinds::Run;

/// Ended runs shown.
const MOST_ENDED: usize = 12;
/// Signs of the bar of a run's steps.
const STEPS: usize = 6;

/// The whole page, and what stands above it. Rows of requests and runs carry their anchors.
pub fn rows(context: &OverviewContext<'_>, sizes: &mut Sizes) -> (Option<Row>, Vec<Row>) {
    let mut rows = Vec::new();
    let mut found = Found::new(&context.state.overview.arrangement.filter);
    let is_new = context.snapshot.runs.is_empty() && context.snapshot.approvals.is_empty();
    if is_new && needs::untaken(context.snapshot, None) == 0 {
        first_run::rows(context, &mut rows);
        return (None, rows);
    }
    if context.status.model.is_none() {
        no_model(context, &mut rows);
    }
    if let Some(on_call) = on_call::row(&context.status.rosters, context.now) {
        Line::led(Row::of(Role::Dim, "On call  "), on_call).lay(context.width, &mut rows);
        rows.push(Row::new());
    }
    needs::lay(context, sizes, &mut found, &mut rows);
    running(context, &mut found, &mut rows);
    ended(context, &mut found, &mut rows);
    costs::lay(context, &mut rows);
    (found.note(context.width), rows)
}

const RUNNING: &[Column] = &[
    Column::name("", 24),
    Column::whole("", Align::Left, 6),
    Column::text("", 16, 48, 5),
    Column::text("", 4, 16, 3),
    Column::whole("", Align::Right, 8),
    Column::whole("", Align::Right, 9),
];

/// What moves. What waits for a person stands above.
fn running(context: &OverviewContext<'_>, found: &mut Found, rows: &mut Vec<Row>) {
    let OverviewContext { snapshot, now, width, .. } = *context;
    let live: Vec<_> = snapshot.runs_newest_first().filter(|run| moves(run, snapshot)).collect();
    let note = Row::of(Role::Dim, live.len().to_string());
    rows.push(Row::section("Running", note, width));
    if live.is_empty() {
        let mut row = Row::of(Role::Dim, "Nothing runs.");
        if context.can_start {
            row.push(Role::Key, format!(" {}", context.keymap.hint(Intent::NewGoal)));
            row.push(Role::Dim, " gives an agent a goal.");
        }
        rows.push(row);
    }
    let line = |run: &Run| {
        let cost = Row::of(Role::Money, format::run_cost(run));
        let age = Row::of(Role::Dim, format::ago(run.started_at, now));
        table_row(run, [named(run, Role::Strong), steps(run), doing(run, now), run_list::agent(run), cost, age])
    };
    let table = found.keep(live.into_iter().map(line).collect());
    rows.extend(lines(RUNNING, table, width));
    rows.push(Row::new());
}

/// A run that is neither over nor told of under what needs somebody.
fn moves(run: &Run, snapshot: &Snapshot) -> bool {
    let is_asked = || run.awaited().any(|id| snapshot.approvals.get(&id).is_some_and(|asked| asked.state.is_open()));
    match run.state {
        RunState::Planning | RunState::Running => true,
        RunState::Waiting | RunState::InDoubt => !is_asked(),
        RunState::Paused | RunState::Succeeded | RunState::Failed | RunState::Cancelled => false,
    }
}

/// `2/3 ▰▰▰▰▱▱`
fn steps(run: &Run) -> Row {
    if run.steps == 0 {
        return Row::new();
    }
    let bar = words::bar(run.steps_done.into(), run.steps.into(), STEPS.min(run.steps as usize));
    Row::of(Role::Text, run_list::steps(run)).with(Role::Running, format!(" {bar}"))
}

/// `runs cargo_test #4  8s`
fn doing(run: &Run, now: Timestamp) -> Row {
    let mut row = run_list::doing(run);
    if let Some(since) = run.busy_since.filter(|_| !row.is_empty()) {
        row.push(Role::Dim, format!("  {}", format::whole_span(now - since)));
    }
    row
}

const ENDED: &[Column] = &[
    Column::name("", 20),
    Column::text("", 20, 72, 7),
    Column::text("", 4, 16, 3),
    Column::whole("", Align::Right, 5),
    Column::whole("", Align::Right, 8),
];

/// What ended in the last day, newest first, with its outcome.
fn ended(context: &OverviewContext<'_>, found: &mut Found, rows: &mut Vec<Row>) {
    let OverviewContext { snapshot, now, width, state, .. } = *context;
    let is_told = |run: &Run| needs::failed_unseen(run, state, now);
    let at = |run: &Run| run.ended_at.unwrap_or(run.updated_at);
    let mut ended: Vec<_> = snapshot.runs.values().filter(|run| run.state.is_final() && !is_told(run)).collect();
    ended.retain(|run| now - at(run) < chrono::TimeDelta::days(1));
    if ended.is_empty() {
        return;
    }
    ended.sort_by_key(|run| std::cmp::Reverse(run.ended_at));
    rows.push(Row::section("Ended in the last 24 h", Row::of(Role::Dim, ended.len().to_string()), width));
    let line = |run: &&Run| {
        let cost = Row::of(Role::Money, format::run_cost(run));
        let age = Row::of(Role::Dim, format::ago(at(run), now));
        table_row(run, [named(run, Role::Text), run_list::doing(run), run_list::agent(run), cost, age])
    };
    let mut table = found.keep(ended.iter().map(line).collect());
    let shown = format::named(table.len(), MOST_ENDED);
    let more = table.len() - shown;
    table.truncate(shown);
    rows.extend(lines(ENDED, table, width));
    if more > 0 {
        let key = context.keymap.hint(Intent::ShowRuns);
        rows.push(Row::of(Role::Key, key).with(Role::Dim, format!(" shows {more} more")));
    }
    rows.push(Row::new());
}

fn no_model(context: &OverviewContext<'_>, rows: &mut Vec<Row>) {
    let row = Row::of(Role::Warning, "! No model is configured.");
    let text = " Agents cannot run until one is set; procedures can. Set OPENAI_API_KEY or OPENAI_BASE_URL.";
    Line::new(row.with(Role::Text, text)).lay(context.width, rows);
    rows.push(Row::new());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keymap::Keymap;
    use crate::console::state::State;
    use crate::console::view::fixtures::{Story, night, picture};
    use crate::ports::Status;

    fn shown(story: &Story, model: Option<&str>, width: usize) -> String {
        let status = Status { model: model.map(str::to_owned), sandbox: "bubblewrap".to_owned(), ..Status::default() };
        let keymap = Keymap::builtin().unwrap();
        let (snapshot, state, status, keymap) = (&story.snapshot, &State::default(), &status, &keymap);
        let context = OverviewContext { snapshot, state, status, keymap, now: story.now(), width, can_start: true };
        picture(&rows(&context, &mut Sizes::default()).1, width)
    }

    #[test]
    fn a_night_on_call() {
        for width in [60, 80, 120, 200] {
            insta::assert_snapshot!(format!("night_{width}"), shown(&night(), Some("openai/gpt-5.2"), width));
        }
    }

    #[test]
    fn a_new_machine_says_what_to_do() {
        insta::assert_snapshot!("first_run_80", shown(&Story::new(), None, 80));
        insta::assert_snapshot!("first_run_with_a_model_120", shown(&Story::new(), Some("local/gemma3"), 120));
    }

    #[test]
    fn a_missing_model_is_said_on_a_used_machine_too() {
        assert!(shown(&night(), None, 80).starts_with("! No model is configured."));
    }
}
