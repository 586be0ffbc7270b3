//! How a page is listed and shown.

use super::row::{Page, PageState};
use crate::domain::Untrusted;
use crate::kinds::{Column, Fact, Look, Shown, Surface, Surfaced};

impl Surfaced for Page {
    fn surface() -> Option<Surface> {
        Some(Surface::of::<Self>())
    }
}

impl Shown for Page {
    const COLUMNS: &'static [Column] = &[
        Column { title: "who", width: Some(12) },
        Column { title: "by", width: Some(14) },
        Column { title: "about", width: None },
        Column { title: "step", width: Some(4) },
    ];

    const STATES: &'static [&'static str] = &[
        PageState::Queued.name(),
        PageState::Sending.name(),
        PageState::Delivered.name(),
        PageState::Failed.name(),
        PageState::GivenUp.name(),
        PageState::Ended.name(),
    ];

    const EMPTY: &'static str = "No pages. [oncall] in config.toml says who is paged, and when.";

    fn cells(&self) -> Vec<Untrusted> {
        vec![
            self.person.as_deref().unwrap_or("nobody").into(),
            self.key.notifier.as_str().into(),
            self.title.clone(),
            (self.key.step + 1).to_string().into(),
        ]
    }

    fn facts(&self) -> Vec<Fact> {
        let mut facts = vec![
            Fact::new("about", self.title.clone()).of(self.key.about),
            Fact::new("who", self.person.as_deref().unwrap_or("nobody")),
            Fact::new("for", self.key.target.as_str()),
            Fact::new("step", (self.key.step + 1).to_string()),
        ];
        if !self.key.notifier.is_empty() {
            facts.push(Fact::new("by", self.key.notifier.as_str()));
        }
        facts.extend(self.delivered_at.map(|at| Fact::new("arrived", "").at(at).look(Look::Good)));
        facts.extend(self.told.map(|told| Fact::new("told", told.name())));
        if self.attempts > 0 {
            facts.push(Fact::new("attempts", format!("{} to {}", self.attempts, self.tidings.name())));
        }
        if !self.reason.is_empty() {
            facts.push(Fact::new("trouble", self.reason.clone()).look(self.look()));
        }
        facts
    }

    fn look(&self) -> Look {
        match self.state {
            PageState::Queued => Look::Notable,
            PageState::Sending => Look::Running,
            PageState::Delivered => Look::Good,
            PageState::Failed => Look::Warning,
            PageState::GivenUp => Look::Bad,
            PageState::Ended => Look::Dim,
        }
    }

    fn urgency(&self) -> u8 {
        match self.state {
            PageState::GivenUp => 2,
            PageState::Queued | PageState::Sending | PageState::Failed => 1,
            PageState::Delivered | PageState::Ended => 0,
        }
    }

    /// Somebody was to be woken, and was not.
    fn needs_somebody(&self) -> bool {
        self.state == PageState::GivenUp
    }
}
