//! How a maintenance window is listed and shown.

use super::row::Maintenance;
use crate::domain::{Actor, Timestamp, Untrusted};
use crate::kinds::{Column, Fact, Look, Shown, Surface, Surfaced, Takes};

impl Surfaced for Maintenance {
    fn surface() -> Option<Surface> {
        Some(Surface::of::<Self>())
    }
}

impl Shown for Maintenance {
    const COLUMNS: &'static [Column] = &[
        Column { title: "name", width: None },
        Column { title: "until", width: Some(16) },
        Column { title: "labels", width: Some(30) },
        Column { title: "by", width: Some(12) },
    ];

    const STATES: &'static [&'static str] = &["planned", "active", "over"];

    const EMPTY: &'static str = "No maintenance windows. [[maintenance]] in config.toml plans them, `morningai maintenance start` begins one now.";

    fn cells(&self) -> Vec<Untrusted> {
        let until = self.order.until.format("%m-%d %H:%M UTC").to_string();
        vec![self.order.name.clone(), until.into(), self.order.matching.line().into(), self.planner().into()]
    }

    fn facts(&self) -> Vec<Fact> {
        let mut facts = vec![
            Fact::new("name", self.order.name.clone()).look(self.look()),
            Fact::new("labels", self.order.matching.line()),
            Fact::new("time", format!("{} to {}", shown(self.order.from), shown(self.order.until))),
            Fact::new("by", self.planner()),
        ];
        if let (Some(at), Some(by)) = (self.ended_at, &self.ended_by) {
            let said = match (by, self.began_at) {
                (_, None) => "it never began",
                (Actor::System, Some(_)) => "its time was over",
                (Actor::Person(_) | Actor::Agent(_), Some(_)) => "by hand",
            };
            facts.push(Fact::new("ended", said).at(at));
        }
        facts
    }

    fn look(&self) -> Look {
        match (self.is_active(), self.ended_at) {
            (true, _) => Look::Notable,
            (false, None) => Look::Plain,
            (false, Some(_)) => Look::Dim,
        }
    }

    fn urgency(&self) -> u8 {
        u8::from(self.is_active())
    }

    fn takes(&self, verb: &str) -> Takes {
        if verb == "end" && self.ended_at.is_some() { Takes::Nothing } else { Takes::Anything }
    }
}

fn shown(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

impl Maintenance {
    fn planner(&self) -> &str {
        if self.is_configured { "config.toml" } else { self.planned_by.name() }
    }
}
