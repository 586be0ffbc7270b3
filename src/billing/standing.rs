//! How an account stands: what is included, what is used of it, and the invoice as it would be issued now.

use chrono::NaiveDate;

use super::account::{Account, Term};
use super::invoice::Invoice;
use super::period::BillingPeriod;
use super::plans::{Beyond, Plan};
use super::rate::{allowance_with, cap, rate};
use crate::domain::{Cents, Quota, Timestamp};

/// How an account stands at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub term: Term,
    /// Runs that the period includes; `None` for no limit.
    pub included: Option<u64>,
    pub used: u64,
    /// `None` where runs beyond those included are refused.
    pub overrun: Option<Overrun>,
    /// As it would be issued now.
    pub invoice: Invoice,
    /// What begins next, where a change is known that is still to come.
    pub next: Option<Term>,
    /// The next larger plan.
    pub more: Option<Plan>,
}

/// Runs beyond those included, and what they come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun {
    pub runs: u64,
    pub amount: Cents,
    pub cap: Cents,
}

impl Standing {
    /// Percent from which people are told.
    pub const NEAR: u64 = 80;

    /// Percent of what is included that is used; `None` for no limit.
    pub fn percent(&self) -> Option<u64> {
        let percent = |included: u64| match included {
            0 => 100,
            included => u64::try_from(u128::from(self.used) * 100 / u128::from(included)).unwrap_or(u64::MAX),
        };
        self.included.map(percent)
    }

    pub fn is_near(&self) -> bool {
        self.percent().is_some_and(|percent| percent >= Self::NEAR)
    }

    pub fn is_used_up(&self) -> bool {
        self.included.is_some_and(|included| self.used >= included)
    }

    /// When the period ends, and the count begins again.
    pub fn resets(&self) -> Timestamp {
        self.invoice.period.until
    }
}

impl Account {
    /// The first day whose runs count at `now`: of the month, or of the first term.
    pub fn counts_from(&self, now: Timestamp) -> NaiveDate {
        let month = BillingPeriod::month_of(now).from;
        self.terms().first().map_or(month, |first| first.from.max(month)).date_naive()
    }

    /// How it stands with `used` runs since `counts_from`; `None` without a plan.
    pub fn standing(&self, used: u64, now: Timestamp) -> Option<Standing> {
        let period = BillingPeriod::month_of(now);
        let term = self.term(now)?;
        let refuses = term.plan.beyond == Beyond::Refuse;
        let included = allowance_with(self.terms(), &period, term.plan.runs.filter(|_| refuses));
        let overage = self.plans().overage.as_ref();
        let invoice = rate(self.terms(), overage, period, used);
        let charged = |included: u64| {
            let cap = cap(self.terms(), overage?, &period)?;
            Some(Overrun { runs: used.saturating_sub(included), amount: invoice.overage(), cap })
        };
        // What an earlier plan of the month charged stands on the invoice; this one lets nothing more begin.
        let overrun = included.filter(|_| !refuses).and_then(charged);
        let more = self.more_than(&term.plan).cloned();
        let next = self.terms().iter().find(|term| term.from > now).cloned();
        Some(Standing { term: term.clone(), included, used, overrun, invoice, next, more })
    }

    /// The limit that a run is started under; `None` where there is none.
    pub fn quota(&self, now: Timestamp) -> Option<Quota> {
        let term = self.term(now).filter(|term| term.plan.beyond == Beyond::Refuse)?;
        let period = BillingPeriod::month_of(now);
        let more = self.more_than(&term.plan).map(|plan| format!("{} has {}", plan.title, plan.runs_in_words()));
        Some(Quota {
            plan: term.plan.title.clone(),
            runs: allowance_with(self.terms(), &period, term.plan.runs)?,
            from: self.counts_from(now),
            resets: period.until,
            hint: more.map(|more| format!("{more}; {}", self.how())).unwrap_or_default(),
        })
    }

    /// The invoice of a period with `used` runs in it.
    pub fn invoice(&self, used: u64, period: BillingPeriod) -> Invoice {
        rate(self.terms(), self.plans().overage.as_ref(), period, used)
    }

    /// Whether runs beyond those included are charged at any time of a period.
    pub fn charges_in(&self, period: &BillingPeriod) -> bool {
        self.terms_in(period).any(|term| term.plan.beyond == Beyond::Charge)
    }

    /// What held all through a period; `None` where that changed in it.
    pub fn steady(&self, period: &BillingPeriod) -> Option<&Term> {
        let mut terms = self.terms_in(period);
        terms.next().filter(|term| term.from <= period.from && terms.next().is_none())
    }

    fn terms_in<'a>(&'a self, period: &BillingPeriod) -> impl Iterator<Item = &'a Term> + use<'a> {
        let BillingPeriod { from, until } = *period;
        let ends = self.terms().iter().skip(1).map(|next| Some(next.from)).chain([None]);
        let pairs = self.terms().iter().zip(ends);
        pairs.filter(move |(term, end)| term.from < until && end.is_none_or(|end| end > from)).map(|(term, _)| term)
    }

    /// The smallest plan with more runs.
    fn more_than(&self, plan: &Plan) -> Option<&Plan> {
        let runs = plan.runs?;
        self.plans().smallest(|other| other.runs.is_none_or(|more| more > runs))
    }
}
