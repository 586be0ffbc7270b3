//! How an account stands, as names and values: the same words on the screen and on the command line.

use super::account::{Cycle, Term};
use super::features::Feature;
use super::invoice::moment;
use super::standing::Standing;

/// `to Professional on 2026-12-15`
fn next_in_words(next: &Term) -> String {
    let add_ons = next.add_ons.iter().map(|add_on| format!(", with {}", add_on.title)).collect::<String>();
    format!("to {}{add_ons} on {}", next.plan.title, moment(next.from))
}

impl Standing {
    /// Short names, and a sentence's worth of each.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("plan", self.plan()), ("runs", self.runs())];
        facts.push(("beyond", self.beyond()));
        let users = self.term.plan.users.map_or_else(|| "no limit".to_owned(), |users| format!("{users} at most"));
        facts.push(("users", users));
        facts.push(("features", self.features()));
        facts.push(("support", self.term.plan.support.clone()));
        facts.push(("resets", format!("{} UTC", self.resets().format("%Y-%m-%d %H:%M"))));
        facts.extend(self.next.as_ref().map(|next| ("changes", next_in_words(next))));
        facts.extend(
            self.more.as_ref().map(|plan| ("next plan", format!("{} has {}", plan.title, plan.runs_in_words()))),
        );
        facts.retain(|(_, value)| !value.is_empty());
        facts
    }

    /// `Starter, $49.00 a month, with Priority support`
    fn plan(&self) -> String {
        let (plan, term) = (&self.term.plan, &self.term);
        let price = match (term.cycle, plan.price, plan.annual) {
            (Cycle::Annual, _, Some(annual)) => format!("{} a year", annual.to_cents().display()),
            (_, Some(price), _) => format!("{} a month", price.to_cents().display()),
            (_, None, _) => "price by agreement".to_owned(),
        };
        let add_ons: Vec<_> = term.add_ons.iter().map(|add_on| add_on.title.as_str()).collect();
        let with = if add_ons.is_empty() { String::new() } else { format!(", with {}", add_ons.join(", ")) };
        format!("{}, {price}{with}", plan.title)
    }

    /// `87 of 100 used (87 %)`
    pub fn runs(&self) -> String {
        match (self.included, self.percent()) {
            (Some(included), Some(percent)) => format!("{} of {included} used ({percent} %)", self.used),
            (_, _) => format!("{} used, no limit", self.used),
        }
    }

    /// `9 of 10 runs of the plan Free are used (90 %)`
    pub fn runs_of_plan(&self) -> String {
        let title = &self.term.plan.title;
        match (self.included, self.percent()) {
            (Some(included), Some(percent)) => {
                format!("{} of {included} runs of the plan {title} are used ({percent} %)", self.used)
            }
            (_, _) => format!("{} runs are used; the plan {title} has no limit", self.used),
        }
    }

    /// `12 more, $6.00 of $98.00 at most`
    pub fn beyond(&self) -> String {
        match (&self.overrun, self.included) {
            (Some(over), _) => {
                format!("{} more, {} of {} at most", over.runs, over.amount.display(), over.cap.display())
            }
            (None, Some(_)) => "refused until the next month".to_owned(),
            (None, None) => String::new(),
        }
    }

    fn features(&self) -> String {
        let has = Feature::ALL.into_iter().filter(|feature| self.term.has(feature.name()));
        let titles: Vec<_> = has.map(Feature::title).collect();
        if titles.is_empty() { "none".to_owned() } else { titles.join(", ") }
    }
}
