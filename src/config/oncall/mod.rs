//! `[oncall]`: people, whose turn it is, whom to page and when, and by what.
//!
//! What is wrong with it is found when it is read: a gap in a schedule, a name that nothing has, policies in a circle.

mod check;
mod notifiers;
mod schedule;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::limits::seconds;
use super::secret::SecretSource;

pub(super) use check::misfits;
pub use notifiers::{EmailNotifier, EmailSecurity, Notifiers, PagerDutyNotifier, SlackNotifier, WebhookNotifier};
pub use schedule::ScheduleSection;
pub(super) use schedule::{hours, zone};

/// Who is on call, and how they are reached. Without any of it nobody is paged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OnCallSection {
    /// The policy for critical incidents that nobody has acknowledged.
    pub incidents: Option<String>,
    /// The policy for requests that nobody has answered.
    pub approvals: Option<String>,
    /// By the names of their accounts.
    pub people: BTreeMap<String, Person>,
    pub schedules: BTreeMap<String, ScheduleSection>,
    pub policies: BTreeMap<String, PolicySection>,
    pub notifiers: Notifiers,
    /// What Slack signs with that posts decisions to `serve`; two while one takes over from the other.
    pub slack_signing_secrets: Vec<SecretSource>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The notifiers that reach them, all used at once.
    pub notify: Vec<String>,
    /// Their user id in Slack: whoever that is there decides here as the account of this name.
    #[serde(default)]
    pub slack: Option<String>,
}

/// Whom to page, one step after another, until somebody takes it up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySection {
    pub steps: Vec<StepSection>,
    /// The policy that goes on when nobody has.
    #[serde(default)]
    pub then: Option<String>,
    /// Seconds after the first page of this policy at which that one begins.
    #[serde(default, deserialize_with = "seconds")]
    pub then_after: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSection {
    /// Schedules, for whoever is on call there, and people.
    pub notify: Vec<String>,
    /// Seconds after the policy began; at once without.
    #[serde(default, deserialize_with = "seconds")]
    pub after: Option<u64>,
    /// Seconds before a request expires, instead.
    #[serde(default, deserialize_with = "seconds")]
    pub before_expiry: Option<u64>,
}

impl OnCallSection {
    /// Every place of a secret in it, with what it is.
    pub fn secrets(&self) -> Vec<(String, &SecretSource)> {
        let signing = self.slack_signing_secrets.iter().map(|source| ("signing secret of Slack".to_owned(), source));
        self.notifiers.secrets().into_iter().chain(signing).collect()
    }

    /// The steps of a policy and of those that go on after it, each with the seconds after which the chain has come to
    /// its policy.
    pub fn steps(&self, policy: &str) -> Vec<(u64, &StepSection)> {
        let mut steps = Vec::new();
        let (mut begins, mut next, mut seen) = (0_u64, Some(policy), Vec::new());
        while let Some((name, section)) = next.and_then(|name| Some((name, self.policies.get(name)?)))
            && !seen.contains(&name)
        {
            seen.push(name);
            steps.extend(section.steps.iter().map(|step| (begins, step)));
            begins = begins.saturating_add(section.then_after.unwrap_or(0));
            next = section.then.as_deref();
        }
        steps
    }
}
