//! Rating: from a plan, its changes and a number of runs to an invoice. Exact: whole numbers of nano-dollars and
//! seconds, and one rounding a line.

use chrono::Months;

use super::account::{Cycle, Term};
use super::invoice::{Invoice, Item, Line};
use super::period::BillingPeriod;
use super::plans::{Beyond, Overage};
use super::spans::{self, PlanSpan};
use crate::domain::{Cents, Timestamp, Usd};

/// What a period comes to in which `runs` began.
pub fn rate(terms: &[Term], overage: Option<&Overage>, period: BillingPeriod, runs: u64) -> Invoice {
    let plans = spans::of_plans(terms);
    let mut lines: Vec<Line> = plans.iter().flat_map(|span| plan_lines(span, &period)).collect();
    for span in spans::of_add_ons(terms) {
        let until = span.until.unwrap_or(period.until);
        let covers = period.overlap(&BillingPeriod { from: span.from, until });
        lines.extend(covers.map(|covers| {
            let amount = Some(share(span.add_on.price, &covers, &period));
            monthly(Item::AddOn, &span.add_on.title, Some(span.add_on.price), covers, amount)
        }));
    }
    if let (Some(overage), Some(allowance)) = (overage, allowance(terms, &period)) {
        lines.extend(overage_lines(overage, &plans, &period, runs.saturating_sub(allowance)));
    }
    Invoice { period, lines }
}

/// Runs that a period includes; `None` for no limit. Where any part of it has none, none is charged for beyond.
pub fn allowance(terms: &[Term], period: &BillingPeriod) -> Option<u64> {
    allowance_with(terms, period, None)
}

/// The same, where a part without a limit includes `usual` runs a month: it lifts no limit of the rest.
pub(super) fn allowance_with(terms: &[Term], period: &BillingPeriod, usual: Option<u64>) -> Option<u64> {
    let mut shares: i128 = 0;
    for span in spans::of_plans(terms) {
        if let Some(part) = part(&span, period) {
            shares += i128::from(span.plan.runs.or(usual)?) * part.seconds();
        }
    }
    let whole = period.seconds().max(1);
    u64::try_from((shares + whole - 1) / whole).ok()
}

/// The most that runs beyond those included cost in a period; `None` where they are not charged.
pub(super) fn cap(terms: &[Term], overage: &Overage, period: &BillingPeriod) -> Option<Cents> {
    cap_of(overage, &spans::of_plans(terms), period)
}

fn cap_of(overage: &Overage, plans: &[PlanSpan<'_>], period: &BillingPeriod) -> Option<Cents> {
    let charging = plans.iter().filter(|span| span.plan.beyond == Beyond::Charge);
    let parts = charging.filter_map(|span| {
        let price = i128::from(span.plan.price?.0);
        Some(price * i128::from(overage.cap_times_price) * part(span, period)?.seconds())
    });
    parts.reduce(|sum, part| sum + part).map(|sum| Cents::rounded(sum, period.seconds()))
}

fn part(span: &PlanSpan<'_>, period: &BillingPeriod) -> Option<BillingPeriod> {
    period.overlap(&BillingPeriod { from: span.from, until: span.until.unwrap_or(period.until) })
}

fn plan_lines(span: &PlanSpan<'_>, period: &BillingPeriod) -> Vec<Line> {
    match span.cycle {
        Cycle::Monthly => {
            let line = |covers: BillingPeriod| {
                let amount = span.plan.price.map(|price| share(price, &covers, period));
                monthly(Item::Plan, &span.plan.title, span.plan.price, covers, amount)
            };
            part(span, period).map(line).into_iter().collect()
        }
        Cycle::Annual => year_lines(span, period),
    }
}

/// Years that begin in the period, the one that was paid before, and what is left of one that ends early in it.
fn year_lines(span: &PlanSpan<'_>, period: &BillingPeriod) -> Vec<Line> {
    let mut lines = Vec::new();
    let end = span.until.map_or(period.until, |until| until.min(period.until));
    for year in years(span.from).take_while(|year| year.from < end).filter(|year| year.until > period.from) {
        let line = |item, covers, amount| monthly(item, &span.plan.title, span.plan.annual, covers, amount);
        lines.push(match period.contains(year.from) {
            true => line(Item::Year, year, span.plan.annual.map(|annual| share(annual, &year, &year))),
            false => line(Item::PaidYear, year, Some(Cents::ZERO)),
        });
        if let Some(until) = span.until.filter(|until| period.contains(*until) && *until < year.until) {
            let left = BillingPeriod { from: until, until: year.until };
            let credit = span.plan.annual.map(|annual| -share(annual, &left, &year));
            lines.push(line(Item::Credit, left, credit));
        }
    }
    lines
}

/// A year after the other, each on the day of the first; on the 28th of February where there is no 29th.
fn years(first: Timestamp) -> impl Iterator<Item = BillingPeriod> {
    let begin = move |year: u32| first.checked_add_months(Months::new(12 * year));
    (0..).map_while(move |year| Some(BillingPeriod { from: begin(year)?, until: begin(year + 1)? }))
}

fn overage_lines(overage: &Overage, plans: &[PlanSpan<'_>], period: &BillingPeriod, runs: u64) -> Vec<Line> {
    let Some(cap) = cap_of(overage, plans, period).filter(|_| runs > 0) else { return Vec::new() };
    let line = |item, quantity, unit, amount| Line {
        item,
        title: String::new(),
        covers: *period,
        quantity,
        unit,
        amount: Some(amount),
    };
    let of_band = |(runs, price): (u64, Usd)| {
        let amount = Cents::rounded(i128::from(runs) * i128::from(price.0), 1);
        line(Item::Overage, Some(runs), Some(price), amount)
    };
    let mut lines: Vec<Line> = overage.parts(runs).into_iter().map(of_band).collect();
    let sum: Cents = lines.iter().filter_map(|line| line.amount).sum();
    if sum > cap {
        lines.push(line(Item::Cap, None, None, cap - sum));
    }
    lines
}

fn monthly(item: Item, title: &str, unit: Option<Usd>, covers: BillingPeriod, amount: Option<Cents>) -> Line {
    Line { item, title: title.to_owned(), covers, quantity: None, unit, amount }
}

/// The share of a price that a part has of a whole.
fn share(price: Usd, part: &BillingPeriod, whole: &BillingPeriod) -> Cents {
    Cents::rounded(i128::from(price.0) * part.seconds(), whole.seconds())
}
