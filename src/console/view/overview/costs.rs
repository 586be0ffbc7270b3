//! What today's model calls cost, by model.

use chrono::{TimeDelta, Timelike};

use super::context::OverviewContext;
use crate::console::role::Role;
use crate::console::view::list::{Column, ListRow, lines};
use crate::console::view::text::{Align, Row};
use crate::console::view::{format, words};
use crate::domain::{Timestamp, Usd};
use crate::fold::Snapshot;

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

/// Hours shown.
const HOURS: i64 = 24;

/// What each hour cost, from the first of the last day in which anything did, up to now.
fn hours(snapshot: &Snapshot, now: Timestamp) -> Vec<i64> {
    let cost = |ago: i64| {
        let at = now - TimeDelta::hours(ago);
        snapshot.spend.get(&at.date_naive())?.in_hour(at.hour())
    };
    let first = (0..HOURS).rev().find(|ago| cost(*ago).is_some());
    first.map_or_else(Vec::new, |first| (0..=first).rev().map(|ago| cost(ago).unwrap_or_default().0).collect())
}

/// The last days and the last hours, each as a line of bars.
fn over_time(context: &OverviewContext<'_>, rows: &mut Vec<Row>) {
    let OverviewContext { snapshot, now, width, .. } = *context;
    let today = now.date_naive();
    let day = |ago: i64| snapshot.spend.get(&(today - TimeDelta::days(ago))).map(|spend| spend.cost());
    let known = (0..=DAYS).rev().find(|ago| day(*ago).is_some()).unwrap_or(0);
    let days: Vec<_> = (0..=known).rev().map(|ago| day(ago).unwrap_or_default().0).collect();
    for (what, amounts) in [("days", days), ("hours", hours(snapshot, now))] {
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
    let named = format::named(models.len(), MOST_MODELS);
    let table: Vec<_> = models
        .iter()
        .take(named)
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
    let more = models.len() - named;
    if more > 0 {
        rows.push(Row::of(Role::Dim, format!("and {more} more models")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::view::fixtures::{Story, ana, reply, run_id, spec, turn};
    use crate::domain::PurposeOfTurn;
    use crate::kinds::RunEvent;

    #[test]
    fn hours_are_those_of_the_log_and_without_calls_are_there_too() {
        let mut story = Story::new();
        assert!(hours(&story.snapshot, story.now()).is_empty());
        story.run(run_id(1), &ana(), RunEvent::Started { spec: Box::new(spec("a goal", "dev")) });
        for (number, cost) in [(1, 3), (2, 4)] {
            turn(&mut story, run_id(1), number, PurposeOfTurn::Act, reply("", Some(cost)));
        }
        story.wait(2 * 3_600_000);
        turn(&mut story, run_id(1), 3, PurposeOfTurn::Act, reply("", Some(5)));
        assert_eq!(hours(&story.snapshot, story.now() + TimeDelta::hours(1)), [7, 0, 5, 0]);
        assert_eq!(hours(&story.snapshot, story.now() + TimeDelta::hours(22)).len(), 23);
        assert!(hours(&story.snapshot, story.now() + TimeDelta::days(9)).is_empty());
    }
}
