//! What needs somebody: requests, runs that stopped by themselves, a model that does not answer.

use super::context::OverviewContext;
use super::found::Found;
use super::row::{named, table_row};
use crate::billing::Standing;
use crate::console::anchor::Anchor;
use crate::console::intent::Intent;
use crate::console::role::Role;
use crate::console::state::{State, Trouble, by_urgency};
use crate::console::view::list::{Column, ListRow, lines};
use crate::console::view::queue::Sizes;
use crate::console::view::text::{Align, Row};
use crate::console::view::{billing, format, queue, run_list, things, words};
use crate::domain::{OnceUsedUp, RunState, Timestamp, Untrusted};
use crate::fold::Snapshot;
use crate::kinds::{BudgetGauge, RowKind, Run, Surface, Thing};
use crate::ports::Status;

/// Most incidents shown, and most runs that stopped.
const MOST: usize = 6;

const COLUMNS: &[Column] = &[
    Column::name("", 34),
    Column::whole("", Align::Left, 7),
    Column::text("", 12, 56, 2),
    Column::text("", 4, 16, 1),
    Column::whole("", Align::Left, 8),
];

/// How many things need somebody.
pub fn count(snapshot: &Snapshot, state: &State, status: &Status, now: Timestamp) -> usize {
    let waiting = snapshot.open_approvals().count();
    let runs = stopped(snapshot, state, now).count() + dear(snapshot).count();
    let budgets = near_budgets(snapshot, now).count();
    waiting
        + runs
        + budgets
        + troubles(snapshot, state).len()
        + untaken(snapshot, None)
        + usize::from(is_exposed(status))
        + usize::from(near_quota(snapshot, status, now).is_some())
}

/// The plan whose runs are nearly used up, or used up where more are refused. More that are charged need nobody.
fn near_quota(snapshot: &Snapshot, status: &Status, now: Timestamp) -> Option<Standing> {
    let standing = billing::standing(status.billing.as_ref()?, snapshot, now)?;
    let needs = standing.is_near() && (standing.overrun.is_none() || !standing.is_used_up());
    needs.then_some(standing)
}

/// `▲ 9 of 10 runs of the plan Free are used (90 %); Starter has 100 runs a month`
fn quota_row(standing: &Standing, width: usize) -> Row {
    let role = billing::role(standing);
    let mut row = Row::of(role, "▲ ");
    row.push_untrusted(role, &Untrusted::from(standing.runs_of_plan()));
    let more = match (&standing.more, standing.is_used_up()) {
        (_, true) => format!("; no more start before {}", standing.resets().format("%Y-%m-%d")),
        (Some(plan), false) => format!("; {} has {}", plan.title, plan.runs_in_words()),
        (None, false) => String::new(),
    };
    row.push_untrusted(role, &Untrusted::from(more));
    row.cut(width)
}

/// Budgets of all runs together that are used up, or nearly.
fn near_budgets(snapshot: &Snapshot, now: Timestamp) -> impl Iterator<Item = BudgetGauge> {
    snapshot.gauges(now).into_iter().filter(BudgetGauge::is_near)
}

/// `▲ $21.20 of the $25.00 budget for today is spent (84 %); once it is used up, agents pause`
fn budget_row(gauge: &BudgetGauge, width: usize) -> Row {
    let role = words::gauge(gauge);
    let mut row = Row::of(role, format!("▲ {} of the ", format::cost(gauge.spent.cost, gauge.spent.unpriced)));
    row.push(role, format!("{} budget for {} ", gauge.budget.display(), gauge.period.now()));
    row.push_untrusted(role, &Untrusted::from(gauge.scope.of().trim_start()));
    row.push(role, if gauge.scope.is_all() { "is spent" } else { " is spent" });
    row.push(role, format!(" ({} %)", gauge.percent()));
    row.with(
        role,
        match (gauge.once_used_up, gauge.is_used_up()) {
            (OnceUsedUp::Warn, _) => "",
            (OnceUsedUp::Pause, true) => "; agents pause",
            (OnceUsedUp::Pause, false) => "; once it is used up, agents pause",
        },
    )
    .cut(width)
}

/// Whether programs are confined less well than before, or not at all, so that none are run.
fn is_exposed(status: &Status) -> bool {
    status.sandbox == "none" || !status.sandbox_before.is_empty()
}

/// `▲ the sandbox fell from bubblewrap to namespaces; morningai doctor says why`
fn sandbox_row(status: &Status, width: usize) -> Row {
    let mut row = Row::of(Role::Bad, "▲ ");
    if status.sandbox == "none" {
        row.push(Role::Bad, "no sandbox works here");
        row.push(Role::Bad, if status.sandbox_before.is_empty() { "" } else { " any more" });
        row.push(Role::Bad, ", so programs are not run; ");
    } else {
        row.push(Role::Bad, "the sandbox fell from ");
        row.push_untrusted(Role::Bad, &status.sandbox_before.as_str().into());
        row.push(Role::Bad, " to ");
        row.push_untrusted(Role::Bad, &status.sandbox.as_str().into());
        row.push(Role::Bad, "; ");
    }
    row.with(Role::Code, "morningai doctor").with(Role::Bad, " says why").cut(width)
}

/// How many things nobody has taken up yet who must: of one kind, or of all that are told by their surfaces.
pub fn untaken(snapshot: &Snapshot, kind: Option<RowKind>) -> usize {
    let surfaces = Surface::all().into_iter().filter(|surface| kind.is_none_or(|kind| kind == surface.kind));
    surfaces.map(|surface| surface.count_needing(snapshot)).sum()
}

/// Runs that stopped by themselves or were paused. One that asks about its budget stands among the requests.
fn stopped<'a>(snapshot: &'a Snapshot, state: &'a State, now: Timestamp) -> impl Iterator<Item = &'a Run> {
    let is_open = |id| snapshot.approvals.get(&id).is_some_and(|approval| approval.state.is_open());
    let is_paused = move |run: &Run| run.state == RunState::Paused && !run.budget_raises.asked().is_some_and(is_open);
    snapshot.runs_newest_first().filter(move |run| is_paused(run) || failed_unseen(run, state, now))
}

/// Runs that go on and have nearly used up what they may cost.
fn dear(snapshot: &Snapshot) -> impl Iterator<Item = &Run> {
    snapshot.runs_newest_first().filter(|run| run.state != RunState::Paused && run.nears_cost_limit())
}

/// What the models of runs that work run into, and the store.
pub fn troubles(snapshot: &Snapshot, state: &State) -> Vec<Trouble> {
    let works = |run: &Run| matches!(run.state, RunState::Planning | RunState::Running);
    state.failing.troubles(|run| snapshot.runs.get(&run).is_some_and(works))
}

pub fn lay(context: &OverviewContext<'_>, sizes: &mut Sizes, found: &mut Found, rows: &mut Vec<Row>) {
    let OverviewContext { snapshot, state, status, now, width, .. } = *context;
    let waiting = by_urgency(snapshot);
    let mut stopped: Vec<_> = stopped(snapshot, state, now).collect();
    stopped.sort_by_key(|run| run.state == RunState::Failed);
    let dear: Vec<_> = dear(snapshot).collect();
    let troubles = troubles(snapshot, state);
    let needing = |surface: Surface| surface.needing(snapshot).into_iter().map(move |thing| (surface, thing));
    let untaken: Vec<_> = Surface::all().into_iter().flat_map(needing).collect();
    let budgets: Vec<_> = near_budgets(snapshot, now).collect();
    let runs = stopped.len() + dear.len() + budgets.len();
    let quota = near_quota(snapshot, status, now);
    let others = usize::from(is_exposed(status)) + usize::from(quota.is_some());
    let count = waiting.len() + runs + troubles.len() + untaken.len() + others;
    let since = waiting.iter().map(|approval| approval.requested_at);
    let note = match since.chain(untaken.iter().map(|(_, thing)| thing.began)).min() {
        _ if count == 0 => Row::of(Role::Good, "nothing"),
        Some(oldest) => Row::of(Role::Waiting, format!("{count} · oldest {}", format::ago(oldest, now))),
        None => Row::of(Role::Waiting, count.to_string()),
    };
    rows.push(Row::section("Needs you", note, width));
    rows.extend(troubles.iter().map(|trouble| trouble_row(trouble, now, width)));
    if is_exposed(status) {
        rows.push(sandbox_row(status, width));
    }
    rows.extend(quota.map(|standing| quota_row(&standing, width)));
    rows.extend(budgets.iter().map(|gauge| budget_row(gauge, width)));
    let mut table = found.keep(untaken.iter().map(|(surface, thing)| thing_row(surface, thing, now)).collect());
    let more_incidents = shorten(&mut table);
    let asked = waiting.into_iter().map(|approval| {
        ListRow::plain(Some(Anchor::Approval(approval.id)), queue::need(snapshot, approval, sizes, now))
    });
    table.extend(found.keep(asked.collect()));
    let mut stopped = found.keep(stopped.iter().map(|run| stopped_row(run, now)).collect());
    let more_stopped = shorten(&mut stopped);
    table.extend(stopped);
    table.extend(found.keep(dear.into_iter().map(|run| dear_row(run, now)).collect()));
    rows.extend(lines(COLUMNS, table, width));
    let incidents = format::count(more_incidents, "more incident", "more incidents");
    let more = [
        (more_incidents, Intent::ShowIncidents, incidents),
        (more_stopped, Intent::ShowRuns, format!("{more_stopped} more that stopped")),
    ];
    for (_, intent, what) in more.into_iter().filter(|(count, ..)| *count > 0) {
        rows.push(Row::of(Role::Key, context.keymap.hint(intent)).with(Role::Dim, format!(" shows {what}")));
    }
    rows.push(Row::new());
}

/// Leaves as many rows as have room, and returns how many it takes away.
fn shorten(table: &mut Vec<ListRow>) -> usize {
    let shown = format::named(table.len(), MOST);
    table.split_off(shown).len()
}

/// `▲ the message  3× in 2 m, 1 run waits`
fn trouble_row(trouble: &Trouble, now: Timestamp, width: usize) -> Row {
    let mut left = Row::of(Role::Bad, "▲ ");
    left.push_untrusted(Role::Bad, &trouble.message);
    let mut right = format!("{}× in {}", trouble.times, format::ago(trouble.since, now));
    if trouble.runs > 0 {
        right.push_str(", ");
        right.push_str(&format::count(trouble.runs, "run waits", "runs wait"));
    }
    let mut row = left.cut(width.saturating_sub(right.len() + 2));
    row.blank(2);
    row.with(Role::Warning, right)
}

/// A run that failed needs somebody until its page was opened here, for a day at most.
pub fn failed_unseen(run: &Run, state: &State, now: Timestamp) -> bool {
    let is_recent = run.ended_at.is_none_or(|at| now - at < chrono::TimeDelta::days(1));
    run.state == RunState::Failed && is_recent && !state.looked_at.contains(&run.id)
}

/// A thing that nobody has taken up yet.
fn thing_row(surface: &Surface, thing: &Thing, now: Timestamp) -> ListRow {
    let look = words::look(thing.look);
    let mut name = Row::of(look, format!("{} ", things::glyph(thing.look)));
    name.push_untrusted(Role::Strong, &thing.title(surface));
    let age = Row::of(Role::Dim, format::ago_in_words(thing.began, now));
    // Its state is known: nobody has taken it up.
    let mut cells = surface.columns.iter().zip(&thing.cells).filter(|(column, _)| column.width.is_some());
    let mut first = Row::new();
    first.push_untrusted(look, &cells.next().map(|(_, cell)| cell.clone()).unwrap_or_default());
    let mut about = Row::new();
    for (_, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
        about.blank(2 * usize::from(!about.is_empty()));
        about.push_untrusted(Role::Text, cell);
    }
    ListRow::plain(Some(Anchor::Thing(thing.stream)), [name, first, about, Row::new(), age])
}

/// `● write the release notes  budget  $0.021 of $0.025 spent (84 %)`
fn dear_row(run: &Run, now: Timestamp) -> ListRow {
    let limit = run.limits.cost;
    let percent = i128::from(run.cost.0) * 100 / i128::from(limit.0.max(1));
    let why = format!("{} of {} spent ({percent} %)", format::run_cost(run), limit.display());
    let age = Row::of(Role::Dim, format::ago_in_words(run.updated_at, now));
    let word = Row::of(Role::Warning, "budget");
    table_row(run, [named(run, Role::Strong), word, Row::of(Role::Warning, why), run_list::agent(run), age])
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
