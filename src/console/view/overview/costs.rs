//! What today's model calls cost, by model.

use super::context::OverviewContext;
use crate::console::role::Role;
use crate::console::view::list::{Column, ListRow, lines};
use crate::console::view::text::{Align, Row};
use crate::console::view::{format, words};
use crate::domain::Usd;

/// Models named before the rest is only counted.
const MOST_MODELS: usize = 6;

const COLUMNS: &[Column] = &[
    Column::name("", 16),
    Column::whole("", Align::Right, 4),
    Column::whole("", Align::Right, 3),
    Column::whole("", Align::Right, 1),
    Column::whole("", Align::Right, 2),
    Column::whole("", Align::Right, 9),
];

/// Days shown before today.
const DAYS: i64 = 13;

/// The last days and, as far as this console heard of them, the last hours, each as a line of bars.
fn over_time(context: &OverviewContext<'_>, rows: &mut Vec<Row>) {
    let OverviewContext { snapshot, state, now, width, .. } = *context;
    let today = now.date_naive();
    let day = |ago: i64| snapshot.spend.get(&(today - chrono::TimeDelta::days(ago))).map(|spend| spend.cost());
    let known = (0..=DAYS).rev().find(|ago| day(*ago).is_some()).unwrap_or(0);
    let days: Vec<_> = (0..=known).rev().map(|ago| day(ago).unwrap_or_default().0).collect();
    let hours: Vec<_> = state.hours.until(now).into_iter().map(|cost| cost.0).collect();
    for (what, amounts) in [("days", days), ("hours", hours)] {
        let most = amounts.iter().copied().max().unwrap_or(0);
        if amounts.len() > 1 && most > 0 {
            let label = format!("last {} {what}  ", amounts.len());
            let row = Row::of(Role::Dim, label).with(Role::Money, words::spark(&amounts));
            rows.push(row.with(Role::Dim, format!("  at most {}", Usd(most).display())).cut(width));
        }
    }
}

pub fn lay(context: &OverviewContext<'_>, rows: &mut Vec<Row>) {
    let today = context.now.date_naive();
    let spend = context.snapshot.spend.get(&today).cloned().unwrap_or_default();
    let total = Row::of(Role::Money, format::cost(spend.cost(), spend.unpriced()));
    rows.push(Row::section("Cost today", total.with(Role::Dim, " (UTC)"), context.width));
    let mut models: Vec<_> = spend.by_model.iter().collect();
    models.sort_by_key(|(name, model)| (std::cmp::Reverse(model.cost), *name));
    if models.is_empty() {
        rows.push(Row::of(Role::Dim, "No model calls today."));
    }
    over_time(context, rows);
    let dim = |text: String| Row::of(Role::Dim, text);
    let table: Vec<_> = models
        .iter()
        .take(MOST_MODELS)
        .map(|(name, model)| {
            let price = match (model.cost.0, model.unpriced) {
                (0, 1..) => "price unknown".to_owned(),
                _ => format::cost(model.cost, model.unpriced),
            };
            let cells = [
                Row::of(Role::Text, name.as_str()),
                dim(format!("{} {}", format::quantity(model.calls), if model.calls == 1 { "call" } else { "calls" })),
                dim(format!("{} in", format::quantity(model.input))),
                dim(format!("({} cached)", format::quantity(model.cached))),
                dim(format!("{} out", format::quantity(model.output))),
                Row::of(Role::Money, price),
            ];
            ListRow::plain(None, cells)
        })
        .collect();
    rows.extend(lines(COLUMNS, table, context.width));
    let more = models.len().saturating_sub(MOST_MODELS);
    if more > 0 {
        rows.push(Row::of(Role::Dim, format!("and {}", format::count(more, "more model", "more models"))));
    }
}
