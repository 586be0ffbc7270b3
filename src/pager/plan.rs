//! Who is on call, how they are reached, and whom to page when: the configuration with its names looked up.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::domain::Timestamp;
use crate::notify::Notifier;
use crate::rota::{Duty, Schedule};

/// All that paging goes by.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub schedules: BTreeMap<String, Schedule>,
    /// The notifiers that reach a person.
    pub people: BTreeMap<String, Vec<String>>,
    pub notifiers: BTreeMap<String, Notifier>,
    /// Steps for critical incidents that nobody has acknowledged, in their order.
    pub incidents: Vec<Step>,
    /// Steps for requests that nobody has answered.
    pub approvals: Vec<Step>,
}

/// Whom to page at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub when: When,
    /// Schedules and people.
    pub targets: Vec<String>,
}

/// When a step is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long after it began to wait.
    After(TimeDelta),
    /// So long before it expires.
    BeforeExpiry(TimeDelta),
}

/// A schedule and who is on call there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnCall<'a> {
    pub schedule: &'a str,
    /// Nobody in a gap.
    pub duty: Option<Duty<'a>>,
}

impl Plan {
    /// Who is on call at an instant, for each schedule.
    pub fn on_call(&self, at: Timestamp) -> impl Iterator<Item = OnCall<'_>> {
        self.schedules.iter().map(move |(name, schedule)| OnCall { schedule: name, duty: schedule.duty(at) })
    }

    /// The person that a step means.
    pub(super) fn person<'a>(&'a self, target: &'a str, at: Timestamp) -> Option<&'a str> {
        match self.schedules.get(target) {
            Some(schedule) => schedule.on_call(at),
            None => self.people.contains_key(target).then_some(target),
        }
    }

    /// Whether anybody is ever paged.
    pub fn pages(&self) -> bool {
        !self.incidents.is_empty() || !self.approvals.is_empty()
    }
}
