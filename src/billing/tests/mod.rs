//! Rating against a slow reference that goes through a period second by second and run by run.

mod reference;

use chrono::{DateTime, TimeDelta};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::domain::{Timestamp, Usd};

const DAY: i64 = 86_400;

/// A second of some day, as far from the first of March 2028 as a leap year lets through.
fn origin() -> Timestamp {
    DateTime::from_timestamp(1_835_481_600, 0).unwrap()
}

fn after(seconds: i64) -> Timestamp {
    origin() + TimeDelta::seconds(seconds)
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let price = prop_oneof![Just(None), (1_i64..30_000).prop_map(|cents| Some(Usd(cents * Usd::CENT.0)))];
    let runs = prop_oneof![1 => Just(None), 6 => (0_u64..60).prop_map(Some)];
    let plan = (price, runs, any::<bool>()).prop_map(|(price, runs, charges)| Plan {
        name: String::new(),
        title: String::new(),
        price,
        annual: price.map(|price| Usd(price.0 * 10)),
        runs,
        users: None,
        beyond: if charges { Beyond::Charge } else { Beyond::Refuse },
        includes: Vec::new(),
        support: String::new(),
    });
    vec(plan, 3).prop_map(|mut plans| {
        plans.iter_mut().enumerate().for_each(|(index, plan)| plan.name = index.to_string());
        plans
    })
}

fn overage() -> impl Strategy<Value = Overage> {
    let mode = prop_oneof![Just(OverageMode::Volume), Just(OverageMode::Graduated)];
    // Tenths of a cent: a band may cost a fraction of one.
    let price = || (0_i64..900).prop_map(|tenths| Usd(tenths * 1_000_000));
    (mode, 1_u32..4, vec((1_u64..20, price()), 0..3), price()).prop_map(|(mode, cap_times_price, widths, last)| {
        let mut end = 0;
        let mut bands: Vec<_> = widths
            .into_iter()
            .map(|(width, price)| {
                end += width;
                Band { up_to: Some(end), price }
            })
            .collect();
        bands.push(Band { up_to: None, price: last });
        Overage { mode, cap_times_price, bands }
    })
}

fn terms(plans: Vec<Plan>, length: i64) -> impl Strategy<Value = Vec<Term>> {
    let add_on = |number: usize| AddOn {
        name: number.to_string(),
        title: String::new(),
        price: Usd((number as i64 + 1) * 1_230_000_000),
    };
    // Within the period mostly, shortly before it, or years before it.
    let from = prop_oneof![5 => 0..length, 2 => -length..0, 2 => (-900 * DAY)..0];
    let cycle = prop_oneof![3 => Just(Cycle::Monthly), 1 => Just(Cycle::Annual)];
    let term = (from, 0_usize..3, cycle, any::<[bool; 2]>());
    vec(term, 1..6).prop_map(move |mut drawn| {
        drawn.sort_by_key(|term| term.0);
        drawn.dedup_by_key(|term| term.0);
        let chosen = |of: [bool; 2]| of.into_iter().enumerate().filter(|(_, is)| *is).map(|(number, _)| add_on(number));
        let term = |(from, plan, cycle, of): (i64, usize, Cycle, [bool; 2])| Term {
            from: after(from),
            plan: plans[plan].clone(),
            cycle,
            add_ons: chosen(of).collect(),
        };
        drawn.into_iter().map(term).collect()
    })
}

fn cases() -> impl Strategy<Value = (Vec<Term>, Overage, BillingPeriod, u64)> {
    (plans(), overage(), 1_i64..4000, 0_u64..200).prop_flat_map(|(plans, overage, length, runs)| {
        let period = BillingPeriod { from: after(0), until: after(length) };
        (terms(plans, length), Just(overage), Just(period), Just(runs))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_invoice_is_what_the_reference_says((terms, overage, period, runs) in cases()) {
        let invoice = rate(&terms, Some(&overage), period, runs);
        let mut lines: Vec<_> = invoice.lines.iter().map(|line| (line.item, line.amount)).collect();
        lines.sort();
        let mut expected = reference::lines(&terms, &overage, &period, runs);
        expected.sort();
        prop_assert_eq!(lines, expected);
        prop_assert_eq!(allowance(&terms, &period), reference::allowance(&terms, &period));
    }

    #[test]
    fn a_change_of_nothing_changes_nothing((terms, overage, period, runs) in cases(), at in 0_i64..4000, which in 0_usize..6) {
        let mut more = terms.clone();
        let copied = terms[which % terms.len()].clone();
        let next = terms.get(which % terms.len() + 1).map_or(period.until, |next| next.from);
        let from = copied.from + TimeDelta::seconds(1 + at);
        prop_assume!(from < next);
        more.insert(which % terms.len() + 1, Term { from, ..copied });
        prop_assert_eq!(rate(&more, Some(&overage), period, runs), rate(&terms, Some(&overage), period, runs));
    }

    #[test]
    fn runs_never_cost_more_than_the_cap_nor_less_than_nothing((terms, overage, period, runs) in cases()) {
        let charged = rate(&terms, Some(&overage), period, runs).overage();
        let cap = super::rate::cap(&terms, &overage, &period).unwrap_or_default();
        prop_assert!(crate::domain::Cents::ZERO <= charged && charged <= cap);
    }
}
