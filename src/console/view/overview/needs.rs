//! What needs somebody: requests, runs that stopped by themselves, a model that does not answer.

use super::context::OverviewContext;
use super::row::{named, table_row};
use crate::console::anchor::Anchor;
use crate::console::intent::Intent;
use crate::console::role::Role;
use crate::console::state::{State, Trouble, by_urgency};
use crate::console::view::list::{Column, ListRow, lines};
use crate::console::view::queue::Sizes;
use crate::console::view::text::{Align, Row};
use crate::console::view::{format, queue, run_list};
use crate::domain::{RunState, Timestamp};
use crate::fold::Snapshot;
use crate::kinds::Run;

/// Runs that stopped, of those shown.
const MOST_STOPPED: usize = 6;

const COLUMNS: &[Column] = &[
    Column::name("", 34),
    Column::whole("", Align::Left, 7),
    Column::text("", 12, 56, 2),
    Column::text("", 4, 16, 1),
    Column::whole("", Align::Left, 8),
];

/// How many things need somebody.
pub fn count(snapshot: &Snapshot, state: &State, now: Timestamp) -> usize {
    let waiting = snapshot.open_approvals().count();
    waiting + stopped(snapshot, state, now).count() + troubles(snapshot, state).len()
}

/// Runs that stopped by themselves or were paused.
fn stopped<'a>(snapshot: &'a Snapshot, state: &'a State, now: Timestamp) -> impl Iterator<Item = &'a Run> {
    snapshot.runs_newest_first().filter(move |run| run.state == RunState::Paused || failed_unseen(run, state, now))
}

/// What the models of runs that work run into.
fn troubles(snapshot: &Snapshot, state: &State) -> Vec<Trouble> {
    let works = |run: &Run| matches!(run.state, RunState::Planning | RunState::Running);
    state.failing.troubles(|run| snapshot.runs.get(&run).is_some_and(works))
}

pub fn lay(context: &OverviewContext<'_>, sizes: &mut Sizes, rows: &mut Vec<Row>) {
    let OverviewContext { snapshot, state, now, width, .. } = *context;
    let waiting = by_urgency(snapshot);
    let mut stopped: Vec<_> = stopped(snapshot, state, now).collect();
    stopped.sort_by_key(|run| run.state == RunState::Failed);
    let troubles = troubles(snapshot, state);
    let count = waiting.len() + stopped.len() + troubles.len();
    let note = match waiting.iter().map(|approval| approval.requested_at).min() {
        _ if count == 0 => Row::of(Role::Good, "nothing"),
        Some(oldest) => Row::of(Role::Waiting, format!("{count} · oldest {}", format::ago(oldest, now))),
        None => Row::of(Role::Waiting, count.to_string()),
    };
    rows.push(Row::section("Needs you", note, width));
    for trouble in troubles {
        let mut left = Row::of(Role::Bad, "▲ ");
        left.push_untrusted(Role::Bad, &trouble.message);
        let runs = format::count(trouble.runs, "run waits", "runs wait");
        let right = format!("{}× in {}, {runs}", trouble.times, format::ago(trouble.since, now));
        let room = width.saturating_sub(right.len() + 2);
        let mut row = left.cut(room);
        row.blank(2);
        rows.push(row.with(Role::Warning, right));
    }
    let mut table: Vec<_> = waiting
        .into_iter()
        .map(|approval| {
            ListRow::plain(Some(Anchor::Approval(approval.id)), queue::need(snapshot, approval, sizes, now))
        })
        .collect();
    let shown = format::named(stopped.len(), MOST_STOPPED);
    table.extend(stopped.iter().take(shown).map(|run| stopped_row(run, now)));
    rows.extend(lines(COLUMNS, table, width));
    let more = stopped.len() - shown;
    if more > 0 {
        let key = context.keymap.hint(Intent::ShowRuns);
        rows.push(Row::of(Role::Key, key).with(Role::Dim, format!(" shows {more} more that stopped")));
    }
    rows.push(Row::new());
}

/// A run that failed needs somebody until its page was opened here, for a day at most.
pub fn failed_unseen(run: &Run, state: &State, now: Timestamp) -> bool {
    let is_recent = run.ended_at.is_none_or(|at| now - at < chrono::TimeDelta::days(1));
    run.state == RunState::Failed && is_recent && !state.looked_at.contains(&run.id)
}

fn stopped_row(run: &Run, now: Timestamp) -> ListRow {
    let (role, word) = match run.state {
        RunState::Failed => (Role::Bad, "failed"),
        _ => (Role::Warning, "paused"),
    };
    let mut why = Row::new();
    why.push_untrusted(Role::Text, &run.note);
    let age = Row::of(Role::Dim, format::ago_in_words(run.updated_at, now));
    table_row(run, [named(run, Role::Strong), Row::of(role, word), why, run_list::agent(run), age])
}
