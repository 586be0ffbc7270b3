//! The plan, what is used of it, and the next invoice line by line as it would be issued now.

mod context;
mod link;

pub use context::{BillingContext, standing};

use super::text::Row;
use super::words;
use super::wrap::sentence;
use crate::billing::{Line, Standing};
use crate::console::role::Role;
use crate::domain::{SubscriptionId, Untrusted};

/// Columns of the names of facts.
const NAMES: usize = 10;
/// Widest distance from a line of the invoice to its amount.
const WIDEST: usize = 90;
/// Signs of a bar.
const BAR: i64 = 20;

/// Stands above the page and does not scroll.
pub fn heading(context: &BillingContext<'_>) -> Vec<Row> {
    let mut row = Row::of(Role::Heading, " Billing");
    let standing = context.standing();
    if let Some(standing) = &standing {
        row.push(Role::Dim, "  ");
        row.push_untrusted(Role::Strong, &standing.term.plan.title.as_str().into());
        row.push(Role::Rule, " · ");
        row.push(Role::Dim, format!("{} ", context.now.format("%B")));
        row.push(Role::Money, total(standing));
    }
    let mut rows = vec![Row::spread(row, Row::of(Role::Dim, "months in UTC "), context.width())];
    rows.extend(trouble(context).map(|row| row.cut(context.width())));
    rows.extend(standing.iter().flat_map(gauges).map(|row| row.cut(context.width())));
    rows
}

/// ` ▲ a payment failed ($49.00 is due): morningai billing portal to pay`
fn trouble(context: &BillingContext<'_>) -> Option<Row> {
    let trouble = context.snapshot.subscriptions.get(&SubscriptionId::OF_TENANT)?.trouble()?;
    let mut row = Row::of(Role::Bad, " ▲ ");
    row.push_untrusted(Role::Bad, &Untrusted::from(trouble));
    Some(row)
}

/// ` runs       ▰▰▰▰▰▱ 87 of 100 used (87 %)`, and what more of them cost.
fn gauges(standing: &Standing) -> Vec<Row> {
    let Some(included) = standing.included else { return Vec::new() };
    let mut rows = vec![gauge("runs", (standing.used, included), self::role(standing), standing.runs())];
    rows.extend(standing.overrun.filter(|over| over.runs > 0).map(|over| {
        let cents = |amount: crate::domain::Cents| u64::try_from(amount.0).unwrap_or(0);
        let role = if over.amount == over.cap { Role::Warning } else { Role::Money };
        gauge("beyond", (cents(over.amount), cents(over.cap)), role, standing.beyond())
    }));
    rows
}

fn gauge(name: &str, (part, whole): (u64, u64), role: Role, text: String) -> Row {
    let whole_number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX / BAR);
    let bar = words::bar(whole_number(part), whole_number(whole), BAR as usize);
    Row::of(Role::Dim, format!(" {name:<NAMES$} ")).with(role, format!("{bar} {text}"))
}

/// How far what is included is used; runs that are charged stop nobody.
pub fn role(standing: &Standing) -> Role {
    match (standing.overrun, standing.is_used_up(), standing.is_near()) {
        (None, true, _) => Role::Bad,
        (Some(_), true, _) | (_, false, true) => Role::Warning,
        (_, false, false) => Role::Money,
    }
}

pub fn rows(context: &BillingContext<'_>) -> Vec<Row> {
    let (width, mut rows) = (context.width(), link::rows(context));
    let Some(standing) = context.standing() else {
        let text = "No plan is set: nothing is limited, and nothing is charged. `plan = \"starter\"` under [billing] in \
                    the configuration sets one.";
        sentence(Role::Dim, text, width, &mut rows);
        return rows;
    };
    rows.push(Row::section("Plan", Row::new(), width));
    for (name, value) in standing.facts() {
        let mut row = Row::of(Role::Dim, format!(" {name:<NAMES$} "));
        row.push_untrusted(Role::Text, &Untrusted::from(value));
        rows.push(row.cut(width));
    }
    rows.push(Row::new());
    rows.push(Row::section("Next invoice, as it would be issued now", Row::new(), width));
    for line in &standing.invoice.lines {
        rows.push(invoice_line(line, &standing, width));
    }
    let total = Row::of(Role::Money, total(&standing));
    rows.push(Row::spread(Row::of(Role::Strong, " total"), total, width.min(WIDEST)));
    rows
}

fn invoice_line(line: &Line, standing: &Standing, width: usize) -> Row {
    let mut text = Row::new();
    text.blank(1);
    text.push_untrusted(Role::Text, &Untrusted::from(line.text(&standing.invoice.period)));
    let amount = match line.amount {
        Some(amount) => Row::of(Role::Money, amount.display()),
        None => Row::of(Role::Warning, "unknown"),
    };
    Row::spread(text, amount, width.min(WIDEST))
}

fn total(standing: &Standing) -> String {
    let least = if standing.invoice.is_complete() { "" } else { "at least " };
    format!("{least}{}", standing.invoice.total().display())
}

#[cfg(test)]
mod tests;
