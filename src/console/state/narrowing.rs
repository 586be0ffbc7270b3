//! Which events of the log are shown: those of a kind, by people or not, and how grave they are.

use std::collections::BTreeSet;

use crate::domain::{Actor, FailureKind};
use crate::kinds::{Envelope, Event, Look, RunEvent};

/// What narrows the log; each may be set by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// Name of a kind of stream.
    pub kind: Option<&'static str>,
    pub doer: Option<Doer>,
    pub level: Option<Level>,
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doer {
    People,
    Agents,
    System,
}

/// From which gravity on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Without bookkeeping.
    Notable,
    Errors,
}

impl Doer {
    pub const ALL: [Self; 3] = [Self::People, Self::Agents, Self::System];

    pub fn name(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Agents => "agents",
            Self::System => "system",
        }
    }

    pub fn did(self, event: &Envelope) -> bool {
        self == match event.by {
            Actor::Person(_) => Self::People,
            Actor::Agent(_) => Self::Agents,
            Actor::System => Self::System,
        }
    }
}

impl Level {
    pub const ALL: [Self; 2] = [Self::Notable, Self::Errors];

    pub fn name(self) -> &'static str {
        match self {
            Self::Notable => "notable",
            Self::Errors => "errors",
        }
    }

    pub fn holds(self, event: &Envelope) -> bool {
        match self {
            Self::Notable => !matches!(event.event.look(), Look::Plain | Look::Dim),
            Self::Errors => is_error(event),
        }
    }
}

/// Whether something went wrong. What a person refused did not, nor the call that ended with it.
pub fn is_error(event: &Envelope) -> bool {
    let is_refusal = if let Event::Run(RunEvent::CallSettled { result, .. }) = &event.event {
        result.failure == Some(FailureKind::Denied)
    } else {
        Doer::People.did(event)
    };
    event.event.look() == Look::Bad && !is_refusal
}

impl Narrowing {
    pub fn is_any(&self) -> bool {
        *self != Self::default()
    }

    pub fn shows(&self, event: &Envelope) -> bool {
        self.kind.is_none_or(|kind| event.stream.parts().0 == kind)
            && self.doer.is_none_or(|doer| doer.did(event))
            && self.level.is_none_or(|level| level.holds(event))
    }

    /// The next of `kinds`; after the last, all.
    pub fn next_kind(&mut self, kinds: &BTreeSet<&'static str>) {
        self.kind = following(kinds.iter().copied(), self.kind);
    }

    pub fn next_doer(&mut self) {
        self.doer = following(Doer::ALL.into_iter(), self.doer);
    }

    pub fn next_level(&mut self) {
        self.level = following(Level::ALL.into_iter(), self.level);
    }
}

/// The one after `here`; the first after none, and none after the last.
pub(super) fn following<T: PartialEq>(mut all: impl Iterator<Item = T>, here: Option<T>) -> Option<T> {
    match here {
        None => all.next(),
        Some(here) => {
            all.find(|one| *one == here);
            all.next()
        }
    }
}
