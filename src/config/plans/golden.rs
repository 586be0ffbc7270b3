//! Invoices of the bundled plans: each tier, at each boundary, with each add-on and each change in the middle of a month.

use std::fmt::Write;

use chrono::{DateTime, Utc};

use super::read_plans;
use crate::billing::{Account, BillingPeriod, Cycle, Feature, Invoice, Plan, Plans, Term, allowance, rate};
use crate::domain::{SourceText, Timestamp};

fn plans() -> Plans {
    read_plans(&SourceText::new("plans.toml", include_str!("../../../assets/plans.toml"))).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse::<DateTime<Utc>>().unwrap()
}

/// November 2026, which has thirty days.
fn november() -> BillingPeriod {
    BillingPeriod::month_of(at("2026-11-30T12:00:00Z"))
}

fn term(plans: &Plans, from: &str, plan: (&str, Cycle), add_ons: &[&str]) -> Term {
    let add_ons: Vec<_> = add_ons.iter().map(|name| (*name).to_owned()).collect();
    Term::of(plans, at(from), plan, &add_ons).unwrap()
}

fn total(plans: &Plans, terms: &[Term], runs: u64) -> String {
    rate(terms, plans.overage.as_ref(), november(), runs).total().to_string()
}

const LONG_AGO: &str = "2026-01-01T00:00:00Z";
const MIDDLE: &str = "2026-11-16T00:00:00Z";

/// Worked out by hand.
#[test]
fn a_month_of_each_plan_at_each_boundary() {
    let plans = plans();
    let cases = [
        ("free", 0, "0.00"),
        ("free", 10, "0.00"),
        ("starter", 100, "49.00"),
        ("starter", 101, "49.50"),
        // 196 × 0.50 = 98.00, which is twice 49.00.
        ("starter", 296, "147.00"),
        ("starter", 297, "147.00"),
        ("starter", 100_000, "147.00"),
        ("professional", 1000, "199.00"),
        ("professional", 1001, "199.50"),
        // 500 × 0.50 and 501 × 0.40: all runs cost what the band says.
        ("professional", 1500, "449.00"),
        ("professional", 1501, "399.40"),
        // 995 × 0.40 is the cap of 398.00; 1001 × 0.30 is below it again, and 1327 × 0.30 above it.
        ("professional", 1995, "597.00"),
        ("professional", 1996, "597.00"),
        ("professional", 2000, "597.00"),
        ("professional", 2001, "499.30"),
        ("professional", 2326, "596.80"),
        ("professional", 2327, "597.00"),
        ("enterprise", 1_000_000, "0.00"),
    ];
    for (plan, runs, expected) in cases {
        let terms = [term(&plans, LONG_AGO, (plan, Cycle::Monthly), &[])];
        assert_eq!(total(&plans, &terms, runs), expected, "{plan} with {runs} runs");
    }
    let enterprise = [term(&plans, LONG_AGO, ("enterprise", Cycle::Monthly), &[])];
    assert!(!rate(&enterprise, plans.overage.as_ref(), november(), 0).is_complete());
}

/// Worked out by hand.
#[test]
fn a_change_is_charged_by_the_second() {
    let plans = plans();
    let change = |moment: &str| {
        [
            term(&plans, LONG_AGO, ("starter", Cycle::Monthly), &[]),
            term(&plans, moment, ("professional", Cycle::Monthly), &[]),
        ]
    };
    // Half of 49.00 and half of 199.00; 50 and 500 runs are included; the cap is half of 98.00 and half of 398.00.
    let half = change(MIDDLE);
    assert_eq!(allowance(&half, &november()), Some(550));
    assert_eq!([550, 551, 10_000].map(|runs| total(&plans, &half, runs)), ["124.00", "124.50", "372.00"]);
    // After one second: 49.00 / 2592000 is no cent, and 199.00 × 2591999 / 2592000 is all of them.
    assert_eq!(total(&plans, &change("2026-11-01T00:00:01Z"), 0), "199.00");
    assert_eq!(allowance(&change("2026-11-01T00:00:01Z"), &november()), Some(1000));
    // A third of a month, rounded line by line: 16.33 and 132.67.
    assert_eq!(total(&plans, &change("2026-11-11T00:00:00Z"), 0), "149.00");
    // A change of nothing changes nothing.
    let same = [
        term(&plans, LONG_AGO, ("starter", Cycle::Monthly), &["soc2_pack"]),
        term(&plans, "2026-11-08T05:06:07Z", ("starter", Cycle::Monthly), &["soc2_pack"]),
    ];
    assert_eq!(total(&plans, &same, 0), "348.00");
}

/// Worked out by hand.
#[test]
fn a_year_is_charged_when_it_begins_and_credited_where_it_ends_early() {
    let plans = plans();
    let year = |from: &str| term(&plans, from, ("starter", Cycle::Annual), &[]);
    assert_eq!(total(&plans, &[year("2026-11-05T00:00:00Z")], 0), "490.00");
    assert_eq!(total(&plans, &[year("2025-11-05T00:00:00Z")], 0), "490.00");
    assert_eq!(total(&plans, &[year("2026-03-05T00:00:00Z")], 0), "0.00");
    // Runs and their cap stay by the month.
    assert_eq!(total(&plans, &[year(LONG_AGO)], 100_000), "98.00");
    // 46 of 365 days are left on the 16th of November: 490.00 × 46 / 365 = 61.753…; half of 199.00 begins.
    let ended = [year(LONG_AGO), term(&plans, MIDDLE, ("professional", Cycle::Monthly), &[])];
    assert_eq!(total(&plans, &ended, 0), "37.75");
    // A year that begins on the 29th of February ends on the 28th.
    let leap = [year("2024-02-29T00:00:00Z")];
    let february = BillingPeriod::month_of(at("2025-02-10T00:00:00Z"));
    assert_eq!(rate(&leap, None, february, 0).total().to_string(), "490.00");
}

#[test]
fn the_plan_of_a_month_that_began_late_is_for_its_rest_and_counts_from_that_day() {
    let plans = plans();
    let account = Account::new(plans.clone(), vec![term(&plans, MIDDLE, ("starter", Cycle::Monthly), &[])]);
    let now = at("2026-11-30T12:00:00Z");
    assert_eq!(account.counts_from(now).to_string(), "2026-11-16");
    assert_eq!(account.counts_from(at("2026-12-30T12:00:00Z")).to_string(), "2026-12-01");
    let standing = account.standing(51, now).unwrap();
    assert_eq!((standing.included, standing.invoice.total().to_string()), (Some(50), "25.00".to_owned()));
    assert!(account.quota(now).is_none() && standing.is_near() && standing.is_used_up());
}

#[test]
fn a_plan_that_refuses_has_a_quota_and_names_the_one_with_more() {
    let plans = plans();
    let account = Account::new(plans.clone(), vec![term(&plans, LONG_AGO, ("free", Cycle::Monthly), &[])]);
    let quota = account.quota(at("2026-11-30T12:00:00Z")).unwrap();
    assert_eq!((quota.runs, quota.resets), (10, at("2026-12-01T00:00:00Z")));
    assert!(quota.hint.starts_with("Starter has 100 runs a month; "), "{}", quota.hint);
    assert_eq!(account.standing(9, quota.resets).unwrap().overrun, None);
}

#[test]
fn each_feature_is_refused_with_the_plan_that_has_it() {
    let plans = plans();
    let now = at("2026-11-30T12:00:00Z");
    let account = |plan: &str, add_ons: &[&str]| {
        Account::new(plans.clone(), vec![term(&plans, LONG_AGO, (plan, Cycle::Monthly), add_ons)])
    };
    let has = |plan: &str| Feature::ALL.map(|feature| account(plan, &[]).check(feature, now).is_ok());
    assert_eq!(has("free"), [false, false, false]);
    assert_eq!(has("starter"), [true, false, false]);
    assert_eq!(has("professional"), [true, true, false]);
    assert_eq!(has("enterprise"), [true, true, true]);
    assert_eq!(account("free", &["custom_agents"]).check(Feature::CustomAgents, now), Ok(()));
    let said = |feature| account("free", &[]).check(feature, now).unwrap_err();
    assert_eq!(said(Feature::CustomAgents).message, "the plan Free does not include agents of your own");
    assert_eq!(
        said(Feature::CustomAgents).hint,
        "Starter does, or with the add-on `custom_agents` it does; set `plan` under [billing] in the configuration"
    );
    assert!(said(Feature::ApiAccess).hint.starts_with("Professional does; "));
    assert!(said(Feature::OnPremises).hint.starts_with("Enterprise does; "));
}

#[test]
fn users_are_admitted_up_to_the_limit_of_the_plan() {
    let plans = plans();
    let now = at("2026-11-30T12:00:00Z");
    for (plan, users, hint) in [
        ("free", 1, "Starter includes 5; "),
        ("starter", 5, "Professional includes 20; "),
        ("professional", 20, "Enterprise has no limit; "),
    ] {
        let account = Account::new(plans.clone(), vec![term(&plans, LONG_AGO, (plan, Cycle::Monthly), &[])]);
        assert_eq!(account.check_users(users - 1, now), Ok(()), "{plan}");
        assert!(account.check_users(users, now).unwrap_err().hint.starts_with(hint), "{plan}");
    }
    let account = Account::new(plans.clone(), vec![term(&plans, LONG_AGO, ("enterprise", Cycle::Monthly), &[])]);
    assert_eq!(account.check_users(1_000_000, now), Ok(()));
}

/// Each tier × add-on × change × boundary, one line each: the lines of the invoice and what they add up to.
#[test]
fn golden_invoices() {
    let plans = plans();
    let mut told = String::new();
    for plan in &plans.plans {
        let bought = plans.add_ons.iter().filter(|add_on| !plan.has(&add_on.name)).map(|add_on| Some(&add_on.name));
        for add_on in std::iter::once(None).chain(bought) {
            let others = plans.plans.iter().filter(|other| other.name != plan.name).map(Some);
            for other in std::iter::once(None).chain(others) {
                tell(&mut told, &plans, plan, add_on.map(String::as_str), other);
            }
        }
    }
    insta::assert_snapshot!(told);
}

fn tell(told: &mut String, plans: &Plans, plan: &Plan, add_on: Option<&str>, other: Option<&Plan>) {
    let add_ons: Vec<&str> = add_on.into_iter().collect();
    let mut terms = vec![term(plans, LONG_AGO, (&plan.name, Cycle::Monthly), &add_ons)];
    terms.extend(other.map(|other| {
        let kept: Vec<&str> = add_ons.iter().copied().filter(|name| !other.has(name)).collect();
        term(plans, "2026-11-12T07:08:09Z", (&other.name, Cycle::Monthly), &kept)
    }));
    let change = other.map(|other| format!(" > {}", other.name)).unwrap_or_default();
    let add_on = add_on.map(|name| format!(" + {name}")).unwrap_or_default();
    let included = allowance(&terms, &november());
    let _ = writeln!(
        told,
        "{}{add_on}{change}, {}",
        plan.name,
        included.map_or("no limit".to_owned(), |runs| format!("{runs} runs"))
    );
    let Some(included) = included else { return line(told, plans, &terms, 1_000_000) };
    for more in [0, 1, 500, 501, 1000, 1001, 100_000] {
        line(told, plans, &terms, included + more);
    }
}

fn line(told: &mut String, plans: &Plans, terms: &[Term], runs: u64) {
    let invoice: Invoice = rate(terms, plans.overage.as_ref(), november(), runs);
    let amount = |line: &crate::billing::Line| line.amount.map_or("?".to_owned(), |amount| amount.to_string());
    let parts: Vec<_> = invoice.lines.iter().map(amount).collect();
    let _ = writeln!(told, "  {runs:>7} {:>8} = {}", invoice.total(), parts.join(" + "));
}
