//! How a budget is listed and shown.

use super::row::Budget;
use crate::domain::{BudgetScope, OnceUsedUp, Untrusted};
use crate::kinds::{Column, Fact, Look, Shown, Surface, Surfaced, Takes};

impl Surfaced for Budget {
    fn surface() -> Option<Surface> {
        Some(Surface::of::<Self>())
    }
}

impl Shown for Budget {
    const COLUMNS: &'static [Column] = &[
        Column { title: "for", width: None },
        Column { title: "period", width: Some(6) },
        Column { title: "amount", width: Some(12) },
        Column { title: "once used up", width: Some(12) },
        Column { title: "by", width: Some(12) },
    ];

    const STATES: &'static [&'static str] = &["set", "removed"];

    const EMPTY: &'static str = "Nobody has set a budget here. `b` on the usage screen sets one, and so does \
                                 `morningai budgets set`; those of the configuration are on the usage screen.";

    fn cells(&self) -> Vec<Untrusted> {
        vec![
            self.whose(),
            self.period.name().into(),
            self.amount_usd.display().into(),
            self.stops().into(),
            self.set_by.name().into(),
        ]
    }

    fn facts(&self) -> Vec<Fact> {
        let amount = format!("{} a {}", self.amount_usd.display(), self.period.name());
        let mut facts = vec![
            Fact::new("for", self.whose()).look(self.look()),
            Fact::new("amount", amount),
            Fact::new("once used up", self.stops()),
            Fact::new("set by", self.set_by.name()).at(self.set_at),
        ];
        if let (Some(at), Some(by)) = (self.removed_at, &self.removed_by) {
            facts.push(Fact::new("removed by", by.name()).at(at));
        }
        facts
    }

    fn look(&self) -> Look {
        if self.is_set() { Look::Plain } else { Look::Dim }
    }

    fn takes(&self, verb: &str) -> Takes {
        if verb == "remove" && !self.is_set() { Takes::Nothing } else { Takes::Anything }
    }
}

impl Budget {
    fn whose(&self) -> Untrusted {
        match &self.scope {
            BudgetScope::All => "all runs".into(),
            BudgetScope::Agent(name) => format!("agent {name}").into(),
            BudgetScope::Person(name) => name.as_str().into(),
        }
    }

    fn stops(&self) -> &'static str {
        match self.once_used_up {
            OnceUsedUp::Pause => "pauses runs",
            OnceUsedUp::Warn => "tells people",
        }
    }
}
