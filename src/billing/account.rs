//! What is subscribed to: a plan with its add-ons, from when on, and the changes since.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::plans::{AddOn, Plan, Plans};
use crate::domain::Timestamp;

/// A plan with its add-ons, until the next term begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    pub from: Timestamp,
    pub plan: Plan,
    pub cycle: Cycle,
    pub add_ons: Vec<AddOn>,
}

/// How often a plan is paid. Add-ons, and runs beyond those included, are paid by the month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cycle {
    #[default]
    Monthly,
    Annual,
}

/// The plans there are, and the terms, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    plans: Plans,
    terms: Vec<Term>,
    #[serde(default)]
    said_by: SaidBy,
}

/// Who says what is subscribed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SaidBy {
    #[default]
    Configuration,
    Provider,
}

/// What a payment provider says holds from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub from: Timestamp,
    /// `None` where nothing is paid for.
    pub plan: Option<String>,
    pub cycle: Cycle,
    pub add_ons: Vec<String>,
}

/// Why something cannot be subscribed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TermProblem {
    NoPlan(String),
    NoAddOn(String),
    /// The plan includes the add-on.
    Included {
        plan: String,
        add_on: String,
    },
    /// The add-on is named twice.
    Twice(String),
    /// The plan is not sold by the year.
    NotAnnual(String),
}

impl Term {
    /// By names, as a person writes it.
    pub fn of(
        plans: &Plans,
        from: Timestamp,
        (plan, cycle): (&str, Cycle),
        add_ons: &[String],
    ) -> Result<Self, TermProblem> {
        let plan = plans.plan(plan).cloned().ok_or_else(|| TermProblem::NoPlan(plan.to_owned()))?;
        if cycle == Cycle::Annual && plan.annual.is_none() {
            return Err(TermProblem::NotAnnual(plan.title));
        }
        let mut chosen: Vec<AddOn> = Vec::new();
        for name in add_ons {
            let add_on = plans.add_on(name).ok_or_else(|| TermProblem::NoAddOn(name.clone()))?;
            if plan.has(name) {
                return Err(TermProblem::Included { plan: plan.title, add_on: name.clone() });
            }
            if chosen.contains(add_on) {
                return Err(TermProblem::Twice(name.clone()));
            }
            chosen.push(add_on.clone());
        }
        Ok(Self { from, plan, cycle, add_ons: chosen })
    }

    /// Whether the plan includes something, or an add-on adds it.
    pub fn has(&self, name: &str) -> bool {
        self.plan.has(name) || self.add_ons.iter().any(|add_on| add_on.name == name)
    }
}

impl Account {
    /// `terms` begin one after the other.
    pub fn new(plans: Plans, terms: Vec<Term>) -> Self {
        Self { plans, terms, said_by: SaidBy::Configuration }
    }

    /// As a payment provider says. Where it says of no plan that is known, the smallest one holds.
    pub fn granted(plans: Plans, grants: &[Grant]) -> Self {
        let free = |from| {
            let plan = plans.plans.first().cloned()?;
            Some(Term { from, plan, cycle: Cycle::Monthly, add_ons: Vec::new() })
        };
        let mut terms: Vec<Term> = free(Timestamp::UNIX_EPOCH).into_iter().collect();
        for grant in grants {
            let paid = grant.plan.as_ref().and_then(|name| {
                let plan = plans.plan(name).filter(|plan| grant.cycle == Cycle::Monthly || plan.annual.is_some())?;
                let mut add_ons: Vec<_> = grant.add_ons.iter().filter(|name| !plan.has(name)).cloned().collect();
                add_ons.retain(|name| plans.add_on(name).is_some());
                add_ons.dedup();
                Term::of(&plans, grant.from, (name, grant.cycle), &add_ons).ok()
            });
            let Some(term) = paid.or_else(|| free(grant.from)) else { continue };
            terms.retain(|earlier| earlier.from < term.from);
            terms.push(term);
        }
        Self { plans, terms, said_by: SaidBy::Provider }
    }

    /// What to do to get another plan.
    pub(super) fn how(&self) -> &'static str {
        match self.said_by {
            SaidBy::Configuration => "set `plan` under [billing] in the configuration",
            SaidBy::Provider => "`morningai billing checkout PLAN` subscribes to it, `portal` changes what there is",
        }
    }

    /// Whether a payment provider says what is subscribed to.
    pub fn is_provided(&self) -> bool {
        self.said_by == SaidBy::Provider
    }

    pub fn plans(&self) -> &Plans {
        &self.plans
    }

    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// What holds at a moment; before the first term, that one.
    pub fn term(&self, now: Timestamp) -> Option<&Term> {
        self.terms.iter().rev().find(|term| term.from <= now).or(self.terms.first())
    }
}

impl Cycle {
    pub fn name(self) -> &'static str {
        match self {
            Self::Monthly => "monthly",
            Self::Annual => "annual",
        }
    }
}

impl fmt::Display for TermProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPlan(name) => write!(f, "there is no plan `{name}`"),
            Self::NoAddOn(name) => write!(f, "there is no add-on `{name}`"),
            Self::Included { plan, add_on } => write!(f, "the plan {plan} includes `{add_on}`"),
            Self::Twice(name) => write!(f, "the add-on `{name}` is named twice"),
            Self::NotAnnual(plan) => write!(f, "the plan {plan} is not sold by the year"),
        }
    }
}
