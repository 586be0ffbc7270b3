//! What was spent in the last days, by agent, model, person or run; the most expensive first.

use super::context::UsageContext;
use crate::console::anchor::Anchor;
use crate::console::intent::Intent;
use crate::console::role::Role;
use crate::console::view::list::{Column, ListRow, lines};
use crate::console::view::text::{Align, Row};
use crate::console::view::{format, run_list, words};
use crate::domain::{Untrusted, Usd};
use crate::kinds::{Period, Run, Spending, UsageBy};

/// Days that the table is of, today included.
pub(super) const DAYS: u64 = 30;
/// Signs of the bar of a row's share.
const SHARE: usize = 10;
/// Runs in the table.
const MOST_RUNS: usize = 50;

const COLUMNS: &[Column] = &[
    Column::name("", 16),
    Column::whole("", Align::Right, 4),
    Column::whole("", Align::Right, 3),
    Column::whole("", Align::Right, 1),
    Column::whole("", Align::Right, 2),
    Column::whole("", Align::Left, 0),
    Column::whole("", Align::Right, 9),
];

const RUNS: &[Column] = &[
    Column::name("", 20),
    Column::text("", 4, 16, 3),
    Column::text("", 3, 16, 2),
    Column::whole("", Align::Right, 1),
    Column::whole("", Align::Right, 4),
    Column::whole("", Align::Right, 9),
];

pub(super) fn lay(context: &UsageContext<'_>, rows: &mut Vec<Row>) {
    let key = context.keymap.hint(Intent::TurnTable);
    let note = Row::of(Role::Key, key).with(Role::Dim, " next table");
    let title = match context.by {
        UsageBy::Run => format!("By run, the newest that did something in the last {DAYS} days"),
        by => format!("By {}, last {DAYS} days", by.name()),
    };
    rows.push(Row::section(title, note, context.width()));
    let table = match context.by {
        UsageBy::Run => lines(RUNS, runs(context), context.width()),
        by => lines(COLUMNS, sums(context, by), context.width()),
    };
    if table.is_empty() {
        rows.push(Row::of(Role::Dim, "No model was called in these days."));
    }
    rows.extend(table);
}

fn sums(context: &UsageContext<'_>, by: UsageBy) -> Vec<ListRow> {
    let period = Period::last(DAYS, context.now.date_naive());
    let whole = period.total(&context.snapshot.spend);
    let spenders = by.spenders(&context.snapshot.spend);
    // The cursor rests on what a budget can be set for.
    let anchor = |name: &Untrusted| spenders.iter().position(|known| *known == name.raw()).map(Anchor::Entry);
    let row = |name: &Untrusted, spending: Spending| {
        let mut first = Row::new();
        first.push_untrusted(Role::Text, name);
        let [calls, input, cached, output] = counts(spending);
        let share = share(spending.cost, whole.cost);
        ListRow::plain(anchor(name), [first, calls, input, cached, output, share, Row::of(Role::Money, cost(spending))])
    };
    period.lines(&context.snapshot.spend, by).iter().map(|line| row(&line.name, line.spending)).collect()
}

pub(super) fn cost(spending: Spending) -> String {
    format::cost(spending.cost, spending.unpriced)
}

/// What part of all this is, as a bar.
fn share(part: Usd, whole: Usd) -> Row {
    match whole {
        Usd::ZERO => Row::new(),
        whole => Row::of(Role::Money, words::bar(part.0, whole.0, SHARE)),
    }
}

fn counts(spending: Spending) -> [Row; 4] {
    let dim = |text: String| Row::of(Role::Dim, text);
    let calls = if spending.calls == 1 { "call" } else { "calls" };
    [
        dim(format!("{} {calls}", format::quantity(spending.calls))),
        dim(format!("{} in", format::quantity(spending.input))),
        dim(format!("({} cached)", format::quantity(spending.cached))),
        dim(format!("{} out", format::quantity(spending.output))),
    ]
}

fn runs(context: &UsageContext<'_>) -> Vec<ListRow> {
    let period = Period::last(DAYS, context.now.date_naive());
    let spent = |run: &&Run| run.turns > 0 && period.contains(run.updated_at.date_naive());
    let mut runs: Vec<_> = context.snapshot.runs_newest_first().filter(spent).take(MOST_RUNS).collect();
    runs.sort_by_key(|run| std::cmp::Reverse((run.cost, run.id)));
    runs.into_iter().map(|run| run_row(run, context)).collect()
}

fn run_row(run: &Run, context: &UsageContext<'_>) -> ListRow {
    let mut goal = Row::new();
    goal.push_untrusted(Role::Text, &run.goal);
    let mut person = Row::new();
    person.push_untrusted(Role::Dim, &Untrusted::from(run.started_by.name()));
    let age = Row::of(Role::Dim, format::ago(run.started_at, context.now));
    let tokens = Row::of(Role::Dim, format!("{} tokens", format::quantity(run.tokens)));
    let cost = Row::of(Role::Money, format::run_cost(run));
    ListRow::plain(Some(Anchor::Run(run.id)), [goal, run_list::agent(run), person, age, tokens, cost])
}
