//! What was had for the money: what each kind of outcome cost, and the days that cost far more than usual.

use super::context::UsageContext;
use super::table::DAYS;
use crate::console::role::Role;
use crate::console::view::format;
use crate::console::view::list::{Column, ListRow, lines};
use crate::console::view::text::{Align, Row};
use crate::domain::Usd;
use crate::kinds::{Outcome, Period};

const OUTCOMES: &[Column] = &[
    Column::name("", 20),
    Column::whole("", Align::Right, 2),
    Column::whole("", Align::Right, 0),
    Column::whole("", Align::Left, 1),
];

/// Nothing where nothing came of anything yet.
pub(super) fn lay(context: &UsageContext<'_>, rows: &mut Vec<Row>) {
    let period = Period::last(DAYS, context.now.date_naive());
    let days = &context.snapshot.spend;
    let outcomes = period.outcomes(days);
    if !outcomes.is_empty() {
        rows.push(Row::new());
        rows.push(Row::section(format!("What it bought, last {DAYS} days"), Row::new(), context.width()));
        rows.extend(lines(OUTCOMES, outcomes.iter().map(outcome).collect(), context.width()));
    }
    for unusual in period.unusual_days(days) {
        let mut row =
            Row::of(Role::Warning, format!(" {} cost {}", unusual.day.format("%b %d"), unusual.cost.display()));
        row.push(Role::Dim, format!(", a usual day {}", unusual.usual.display()));
        rows.push(row.cut(context.width()));
    }
}

/// `successful run of dev   41 of 50   $0.42 each   ▼ 12 % since the 30 days before`
fn outcome(outcome: &Outcome) -> ListRow {
    let mut name = Row::new();
    name.push_untrusted(Role::Text, &outcome.name);
    let count = match outcome.tried {
        Some(tried) => format!("{} of {tried} runs", outcome.count),
        None => outcome.count.to_string(),
    };
    let each = outcome.each().map_or_else(
        || format!("{} spent on none", outcome.cost.display()),
        |each| format!("{} each", format::cost(each, u64::from(outcome.is_partly_unknown))),
    );
    ListRow::plain(None, [name, Row::of(Role::Dim, count), Row::of(Role::Money, each), trend(outcome)])
}

fn trend(outcome: &Outcome) -> Row {
    match (outcome.each(), outcome.each_before) {
        (Some(now), Some(before)) => change(now, before, "the 30 days before"),
        (_, _) => Row::new(),
    }
}

/// `▲ 40 % on the 30 days before`; nothing where there is nothing to compare with.
fn change(now: Usd, before: Usd, on: &str) -> Row {
    let Some(percent) = percent(now, before) else { return Row::new() };
    let (role, sign) = match percent {
        1.. => (Role::Warning, "▲"),
        0 => (Role::Dim, "="),
        ..0 => (Role::Good, "▼"),
    };
    Row::of(role, format!("{sign} {} %", percent.unsigned_abs())).with(Role::Dim, format!(" on {on}"))
}

fn percent(now: Usd, before: Usd) -> Option<i128> {
    (before > Usd::ZERO).then(|| (i128::from(now.0) - i128::from(before.0)) * 100 / i128::from(before.0))
}
