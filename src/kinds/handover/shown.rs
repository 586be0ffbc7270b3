//! How a handover is listed and shown.

use super::event::Section;
use super::row::Handover;
use crate::domain::Untrusted;
use crate::kinds::{Column, Fact, Look, Shown, Surface, Surfaced, Takes};

impl Surfaced for Handover {
    fn surface() -> Option<Surface> {
        Some(Surface::of::<Self>())
    }
}

impl Shown for Handover {
    const COLUMNS: &'static [Column] = &[
        Column { title: "from", width: Some(12) },
        Column { title: "note", width: None },
        Column { title: "open", width: Some(5) },
        Column { title: "to", width: Some(12) },
    ];

    const STATES: &'static [&'static str] = &["unsigned", "signed", "lapsed"];

    const EMPTY: &'static str = "No handovers. H writes one, as does `morningai handovers write NOTE`.";

    fn cells(&self) -> Vec<Untrusted> {
        let open = self.items.iter().filter(|item| item.section <= Section::Waiting).count();
        let to = self.signed_by.as_ref().map_or("", |by| by.name());
        vec![self.written_by.name().into(), self.note.clone(), open.to_string().into(), to.into()]
    }

    fn facts(&self) -> Vec<Fact> {
        let mut facts = vec![
            Fact::new("from", self.written_by.name()).at(self.written_at),
            Fact::new("since", "the last handover, or 12 hours before").at(self.since),
            Fact::new("note", self.note.clone()).look(Look::Notable),
        ];
        if let (Some(by), Some(at)) = (&self.signed_by, self.signed_at) {
            facts.push(Fact::new("signed", format!("by {}", by.name())).look(Look::Good).at(at));
        }
        facts.extend(self.items.iter().map(|item| {
            let fact = Fact::new(item.section.name(), item.text.clone()).look(item.section.look());
            match item.of {
                Some(of) => fact.of(of),
                None => fact,
            }
        }));
        facts
    }

    fn look(&self) -> Look {
        match (self.is_open(), self.lapsed_at) {
            (true, _) => Look::Waiting,
            (false, None) => Look::Dim,
            (false, Some(_)) => Look::Warning,
        }
    }

    fn takes(&self, verb: &str) -> Takes {
        if verb == "sign" && !self.is_open() { Takes::Nothing } else { Takes::Anything }
    }

    fn needs_somebody(&self) -> bool {
        self.is_open()
    }
}
