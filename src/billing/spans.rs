//! For how long something was subscribed to without a break, across changes of everything else.

use super::account::{Cycle, Term};
use super::plans::{AddOn, Plan};
use crate::domain::Timestamp;

/// A plan without a break.
pub(super) struct PlanSpan<'a> {
    pub(super) plan: &'a Plan,
    pub(super) cycle: Cycle,
    pub(super) from: Timestamp,
    /// `None` for as long as nobody changes it.
    pub(super) until: Option<Timestamp>,
}

/// An add-on without a break.
pub(super) struct AddOnSpan<'a> {
    pub(super) add_on: &'a AddOn,
    pub(super) from: Timestamp,
    pub(super) until: Option<Timestamp>,
}

pub(super) fn of_plans(terms: &[Term]) -> Vec<PlanSpan<'_>> {
    let mut spans: Vec<PlanSpan<'_>> = Vec::new();
    for term in terms {
        match spans.last_mut() {
            Some(last) if last.plan == &term.plan && last.cycle == term.cycle => continue,
            Some(last) => last.until = Some(term.from),
            None => {}
        }
        spans.push(PlanSpan { plan: &term.plan, cycle: term.cycle, from: term.from, until: None });
    }
    spans
}

pub(super) fn of_add_ons(terms: &[Term]) -> Vec<AddOnSpan<'_>> {
    let mut spans: Vec<AddOnSpan<'_>> = Vec::new();
    for term in terms {
        let is_open = |span: &AddOnSpan<'_>, add_on: &AddOn| span.until.is_none() && span.add_on == add_on;
        for span in spans.iter_mut().filter(|span| span.until.is_none() && !term.add_ons.contains(span.add_on)) {
            span.until = Some(term.from);
        }
        for add_on in &term.add_ons {
            if !spans.iter().any(|span| is_open(span, add_on)) {
                spans.push(AddOnSpan { add_on, from: term.from, until: None });
            }
        }
    }
    spans
}
