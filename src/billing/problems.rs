//! What contradicts itself in plans. Where each stands in a file is for the reader of the file to say.

use std::collections::BTreeSet;

use super::features::Feature;
use super::plans::{Beyond, Overage, Plan, Plans};
use crate::domain::Usd;

/// Longest title and name, in characters: they stand in tables.
const LONGEST: usize = 40;

/// Something that cannot be so, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub place: ProblemPlace,
    /// The key it is about; empty for all of it.
    pub key: &'static str,
    pub message: String,
    pub help: String,
}

/// What it is about, by its number from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemPlace {
    Whole,
    Plan(usize),
    AddOn(usize),
    Overage,
    Band(usize),
}

impl Plans {
    /// Everything that contradicts itself.
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Found(Vec::new());
        if self.plans.is_empty() {
            found.add(ProblemPlace::Whole, "", "there is no plan", "add a [[plan]]; the bundled file shows the form");
        }
        self.check_names(&mut found);
        for (index, plan) in self.plans.iter().enumerate() {
            self.check_plan(ProblemPlace::Plan(index), plan, &mut found);
        }
        for (index, pair) in self.plans.windows(2).enumerate() {
            check_order(ProblemPlace::Plan(index + 1), &pair[0], &pair[1], &mut found);
        }
        for (index, add_on) in self.add_ons.iter().enumerate() {
            let place = ProblemPlace::AddOn(index);
            check_cents(place, "price_usd", Some(add_on.price), &mut found);
            if !self.plans.is_empty() && self.plans.iter().all(|plan| plan.has(&add_on.name)) {
                let message = format!("every plan includes `{}`, so it can be sold to nobody", add_on.name);
                found.add(place, "name", message, "remove the add-on, or take it out of a plan");
            }
        }
        if let Some(overage) = &self.overage {
            check_overage(overage, &mut found);
        }
        found.0
    }

    fn check_names(&self, found: &mut Found) {
        let plans = self.plans.iter().enumerate();
        let plans = plans.map(|(index, plan)| (ProblemPlace::Plan(index), &plan.name, &plan.title));
        let add_ons = self.add_ons.iter().enumerate();
        let add_ons = add_ons.map(|(index, add_on)| (ProblemPlace::AddOn(index), &add_on.name, &add_on.title));
        let mut seen = BTreeSet::new();
        for (place, name, title) in plans.chain(add_ons) {
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
            if name.is_empty() || name.len() > LONGEST || !name.chars().all(is_plain) {
                let message = format!("a name has lower-case letters, digits, _ and -, {LONGEST} at most");
                found.add(place, "name", message, "choose a shorter or plainer one");
            }
            let length = title.chars().count();
            if title.trim().is_empty() || length > LONGEST || title.chars().any(char::is_control) {
                found.add(place, "title", format!("a title has from 1 to {LONGEST} characters"), "write a short one");
            }
            let is_plan = matches!(place, ProblemPlace::Plan(_));
            if !seen.insert((is_plan, name)) {
                found.add(place, "name", format!("the name `{name}` is used twice"), "rename one of the two");
            }
        }
    }

    fn check_plan(&self, place: ProblemPlace, plan: &Plan, found: &mut Found) {
        check_cents(place, "price_usd", plan.price, found);
        check_cents(place, "annual_usd", plan.annual, found);
        match (plan.price, plan.annual) {
            (None, Some(_)) => {
                found.add(place, "annual_usd", "there is a price for a year and none for a month", "add price_usd");
            }
            (Some(price), Some(annual)) if i128::from(annual.0) > i128::from(price.0) * 12 => {
                let message =
                    format!("a year for {} costs more than twelve months at {}", dollars(annual), dollars(price));
                found.add(place, "annual_usd", message, "lower it, or remove it");
            }
            (_, None) | (Some(_), Some(_)) => {}
        }
        if plan.users == Some(0) {
            found.add(place, "users", "nobody could use it", "1 or more; leave it out for no limit");
        }
        if plan.beyond == Beyond::Charge {
            self.check_charging(place, plan, found);
        }
        for name in &plan.includes {
            if Feature::of_name(name).is_none() && self.add_on(name).is_none() {
                let known = Feature::ALL.map(Feature::name).into_iter();
                let known: Vec<_> = known.chain(self.add_ons.iter().map(|add_on| add_on.name.as_str())).collect();
                let help = format!("it is one of {}", known.join(", "));
                found.add(place, "includes", format!("`{name}` is neither a feature nor an add-on"), help);
            }
        }
    }

    fn check_charging(&self, place: ProblemPlace, plan: &Plan, found: &mut Found) {
        let mut add = |message: &str, help: &str| found.add(place, "beyond", message, help);
        if plan.runs.is_none() {
            add("runs without a limit have none beyond it to charge", "add runs, or leave beyond out");
        }
        if self.overage.is_none() {
            add("nothing says what runs beyond those included cost", "add an [overage] section");
        }
        if plan.price.is_none_or(|price| price == Usd::ZERO) {
            let help = "add a price_usd above 0, or write beyond = \"refuse\"";
            add("runs are capped at a multiple of the plan's price, and there is no price to multiply", help);
        }
    }
}

/// A plan that costs more never includes less, so that "the next plan with more" can be named.
fn check_order(place: ProblemPlace, smaller: &Plan, larger: &Plan, found: &mut Found) {
    let more = |one: Option<u64>, other: Option<u64>| one.unwrap_or(u64::MAX) > other.unwrap_or(u64::MAX);
    let help = "plans stand in the order of what they include, the smallest first";
    if smaller.price.unwrap_or(Usd(i64::MAX)) > larger.price.unwrap_or(Usd(i64::MAX)) {
        found.add(place, "price_usd", format!("it costs less than `{}` before it", smaller.name), help);
    }
    for (key, has_less) in [("runs", more(smaller.runs, larger.runs)), ("users", more(smaller.users, larger.users))] {
        if has_less {
            found.add(place, key, format!("it includes fewer {key} than `{}` before it", smaller.name), help);
        }
    }
}

fn check_overage(overage: &Overage, found: &mut Found) {
    if overage.cap_times_price == 0 {
        let help = "1 or more; for plans that charge nothing for more runs, write beyond = \"refuse\"";
        found.add(ProblemPlace::Overage, "cap_times_price", "a cap of 0 charges nothing", help);
    }
    let Some(last) = overage.bands.len().checked_sub(1) else {
        found.add(ProblemPlace::Overage, "", "there is no band with a price", "add an [[overage.band]]");
        return;
    };
    let mut below = 0;
    for (index, band) in overage.bands.iter().enumerate() {
        let place = ProblemPlace::Band(index);
        match band.up_to {
            None if index < last => found.add(place, "", "only the last band has no up_to", "add up_to"),
            Some(_) if index == last => {
                found.add(place, "up_to", "nothing says what runs after this band cost", "leave up_to out of the last");
            }
            Some(up_to) if up_to <= below => {
                let message = format!("it ends at {up_to} and begins at {}", below + 1);
                found.add(place, "up_to", message, "each band ends after the one before it");
            }
            Some(up_to) => below = up_to,
            None => {}
        }
    }
}

/// A price that is charged as it is has no fraction of a cent.
fn check_cents(place: ProblemPlace, key: &'static str, price: Option<Usd>, found: &mut Found) {
    if price.is_some_and(|price| price.0 % Usd::CENT.0 != 0) {
        found.add(place, key, "it has a fraction of a cent", "prices of plans and add-ons are in whole cents");
    }
}

fn dollars(amount: Usd) -> String {
    format!("${}", amount.to_cents())
}

struct Found(Vec<Problem>);

impl Found {
    fn add(&mut self, place: ProblemPlace, key: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.0.push(Problem { place, key, message: message.into(), help: help.into() });
    }
}
