//! The same invoice, slowly: one second and one run after the other, in decimals.

use chrono::{Datelike, NaiveDate, TimeDelta};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::billing::{AddOn, Beyond, BillingPeriod, Cycle, Item, Overage, OverageMode, Plan, Term};
use crate::domain::{Cents, Timestamp, Usd};

type Amounts = Vec<(Item, Option<Cents>)>;

fn cents(dollars: Decimal) -> Cents {
    let cents = (dollars * Decimal::ONE_HUNDRED).round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    Cents(cents.try_into().unwrap())
}

fn seconds(period: &BillingPeriod) -> impl Iterator<Item = Timestamp> + '_ {
    let mut at = period.from;
    std::iter::from_fn(move || {
        let now = (at < period.until).then_some(at);
        at += TimeDelta::seconds(1);
        now
    })
}

fn term_at(terms: &[Term], at: Timestamp) -> Option<&Term> {
    let mut found = None;
    for term in terms {
        if term.from <= at {
            found = Some(term);
        }
    }
    found
}

/// Lengths of the stretches in which something holds, with what it is.
fn stretches<'a, T: PartialEq>(holds: impl Iterator<Item = Option<&'a T>>) -> Vec<(&'a T, u32)> {
    let mut found: Vec<(&T, u32)> = Vec::new();
    let mut goes_on = false;
    for now in holds {
        match (now, found.last_mut()) {
            (Some(now), Some((last, length))) if goes_on && *last == now => *length += 1,
            (Some(now), _) => found.push((now, 1)),
            (None, _) => {}
        }
        goes_on = now.is_some();
    }
    found
}

pub(super) fn allowance(terms: &[Term], period: &BillingPeriod) -> Option<u64> {
    let (mut runs, mut whole) = (0_u64, 0_u64);
    for at in seconds(period) {
        whole += 1;
        runs += term_at(terms, at).map_or(Some(0), |term| term.plan.runs)?;
    }
    Some(runs / whole + u64::from(runs % whole > 0))
}

pub(super) fn lines(terms: &[Term], overage: &Overage, period: &BillingPeriod, runs: u64) -> Amounts {
    let whole = Decimal::from(seconds(period).count());
    let share = |price: Usd, length: u32| cents(price.to_decimal() * Decimal::from(length) / whole);
    let mut lines = Amounts::new();
    let monthly = |at| term_at(terms, at).filter(|term| term.cycle == Cycle::Monthly).map(|term| &term.plan);
    for (plan, length) in stretches(seconds(period).map(monthly)) {
        lines.push((Item::Plan, plan.price.map(|price| share(price, length))));
    }
    let mut add_ons: Vec<&AddOn> = terms.iter().flat_map(|term| &term.add_ons).collect();
    add_ons.sort_by_key(|add_on| &add_on.name);
    add_ons.dedup();
    for add_on in add_ons {
        let has = |at| term_at(terms, at).and_then(|term| term.add_ons.iter().find(|other| *other == add_on));
        for (_, length) in stretches(seconds(period).map(has)) {
            lines.push((Item::AddOn, Some(share(add_on.price, length))));
        }
    }
    lines.extend(years(terms, period));
    lines.extend(more_runs(terms, overage, period, runs));
    lines
}

fn years(terms: &[Term], period: &BillingPeriod) -> Amounts {
    let mut lines = Amounts::new();
    let mut changes: Vec<(Timestamp, &Plan, Cycle)> =
        terms.iter().map(|term| (term.from, &term.plan, term.cycle)).collect();
    changes.dedup_by(|later, earlier| (later.1, later.2) == (earlier.1, earlier.2));
    for (index, (from, plan, _)) in changes.iter().enumerate().filter(|(_, change)| change.2 == Cycle::Annual) {
        let end = changes.get(index + 1).map(|next| next.0);
        let mut begin = *from;
        for number in 1.. {
            if begin >= period.until || end.is_some_and(|end| begin >= end) {
                break;
            }
            let next = later(*from, number);
            if period.from <= begin {
                lines.push((Item::Year, plan.annual.map(|annual| cents(annual.to_decimal()))));
            } else if period.from < next {
                lines.push((Item::PaidYear, Some(Cents(0))));
            }
            if let Some(end) = end
                && period.from <= end
                && end < period.until
                && end < next
            {
                let (left, all) = ((next - end).num_seconds(), (next - begin).num_seconds());
                let credit = |annual: Usd| cents(-annual.to_decimal() * Decimal::from(left) / Decimal::from(all));
                lines.push((Item::Credit, plan.annual.map(credit)));
            }
            begin = next;
        }
    }
    lines
}

fn later(from: Timestamp, years: i32) -> Timestamp {
    let day = from.date_naive();
    let same = day.with_year(day.year() + years);
    let day = same.unwrap_or_else(|| NaiveDate::from_ymd_opt(day.year() + years, 2, 28).unwrap());
    day.and_time(from.time()).and_utc()
}

fn more_runs(terms: &[Term], overage: &Overage, period: &BillingPeriod, runs: u64) -> Amounts {
    let Some(included) = allowance(terms, period) else { return Amounts::new() };
    let more = runs.saturating_sub(included);
    let (mut cap, mut charges, mut whole) = (Decimal::ZERO, false, 0_u32);
    for at in seconds(period) {
        whole += 1;
        let plan = term_at(terms, at).map(|term| &term.plan).filter(|plan| plan.beyond == Beyond::Charge);
        if let Some(price) = plan.and_then(|plan| plan.price) {
            charges = true;
            cap += price.to_decimal() * Decimal::from(overage.cap_times_price);
        }
    }
    if !charges || more == 0 {
        return Amounts::new();
    }
    let cap = cents(cap / Decimal::from(whole));
    let band_of = |run: u64| overage.bands.iter().position(|band| band.up_to.is_none_or(|last| run <= last)).unwrap();
    let mut sums = vec![None; overage.bands.len()];
    for run in 1..=more {
        let band = band_of(if overage.mode == OverageMode::Volume { more } else { run });
        *sums[band].get_or_insert(Decimal::ZERO) += overage.bands[band].price.to_decimal();
    }
    let mut lines: Amounts = sums.into_iter().flatten().map(|sum| (Item::Overage, Some(cents(sum)))).collect();
    let charged: Cents = lines.iter().filter_map(|line| line.1).sum();
    if charged > cap {
        lines.push((Item::Cap, Some(cap - charged)));
    }
    lines
}
