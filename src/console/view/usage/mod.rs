//! What model calls cost: totals and an estimate of the month, bars of the last days, a table of what it was for, and
//! what came of it.

mod bars;
mod context;
mod table;
mod worth;

pub use context::UsageContext;

use super::text::Row;
use super::words;
use super::wrap::sentence;
use crate::console::intent::Intent;
use crate::console::role::Role;
use crate::domain::{OnceUsedUp, Untrusted};
use crate::kinds::{BudgetGauge, Forecast, Period, first_called};

/// Columns of the names of budgets, at least and at most.
const LABEL: usize = 22;
const WIDEST_LABEL: usize = 36;

/// Stands above the page and does not scroll.
pub fn heading(context: &UsageContext<'_>) -> Vec<Row> {
    let (days, today) = (&context.snapshot.spend, context.now.date_naive());
    let month = today.format("%B").to_string();
    let mut row = Row::of(Role::Heading, " Usage");
    let periods = [
        ("today", Period::last(1, today)),
        (month.as_str(), Period::month(today)),
        ("last 30 days", Period::last(table::DAYS, today)),
    ];
    for (place, (name, period)) in periods.into_iter().enumerate() {
        row.push(Role::Rule, if place == 0 { "  " } else { " · " });
        row.push(Role::Dim, format!("{name} "));
        row.push(Role::Money, table::cost(period.total(days)));
    }
    let mut rows = vec![Row::spread(row, Row::of(Role::Dim, "days in UTC "), context.width())];
    rows.extend(Forecast::of(days, today).map(|forecast| estimate(&forecast, &month).cut(context.width())));
    let gauges = context.snapshot.budgets(context.now);
    let widest = gauges.iter().map(|gauge| label(gauge).width()).max().unwrap_or(0).clamp(LABEL, WIDEST_LABEL);
    rows.extend(gauges.iter().map(|gauge| budget(gauge, widest).cut(context.width())));
    rows
}

/// ` soft budget for today of agent dev`
fn label(gauge: &BudgetGauge) -> Row {
    let word = if gauge.once_used_up == OnceUsedUp::Warn { "soft budget" } else { "budget" };
    let mut row = Row::new();
    row.blank(1);
    let text = format!("{word} for {}{}", gauge.period.now(), gauge.scope.of());
    row.push_untrusted(Role::Dim, &Untrusted::from(text));
    row
}

/// ` budget for today ▰▰▰▰▰▰▱▱ $21.20 of $25.00 (84 %)`
fn budget(gauge: &BudgetGauge, widest: usize) -> Row {
    let role = words::gauge(gauge);
    let bar = words::bar(gauge.spent.cost.0, gauge.budget.0, 20);
    let amounts = format!("{} of {}", table::cost(gauge.spent), gauge.budget.display());
    let mut row = label(gauge).cut(widest);
    row.pad_to(widest + 1);
    row.with(role, format!("{bar} {amounts}")).with(Role::Dim, format!(" ({} %)", gauge.percent()))
}

/// ` November will come to about $31.00 ($20.00 to $45.00), estimated from the last 7 days`
fn estimate(forecast: &Forecast, month: &str) -> Row {
    let about = if forecast.unpriced > 0 { "at least about" } else { "about" };
    let from = match forecast.from_days {
        1 => "yesterday".to_owned(),
        days => format!("the last {days} days"),
    };
    Row::of(Role::Dim, format!(" {month} will come to {about} "))
        .with(Role::Money, forecast.likely.display())
        .with(Role::Text, format!(" ({} to {})", forecast.low.display(), forecast.high.display()))
        .with(Role::Dim, format!(", estimated from {from}"))
}

/// The bars, and the table below them. Rows of runs carry their anchors.
pub fn rows(context: &UsageContext<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    if first_called(&context.snapshot.spend).is_none() {
        let key = context.keymap.hint(Intent::NewGoal);
        let text = "No model has been called yet. What each day costs will be shown here as bars, and below them a \
                    table: by agent, model, person or run.";
        sentence(Role::Dim, text, context.width(), &mut rows);
        sentence(Role::Dim, format!("{key} gives an agent a goal."), context.width(), &mut rows);
        return rows;
    }
    bars::lay(context, &mut rows);
    rows.push(Row::new());
    table::lay(context, &mut rows);
    worth::lay(context, &mut rows);
    rows
}

#[cfg(test)]
mod tests;
