//! A notifier of whichever kind.

use super::{Email, PagerDuty, Slack, Webhook};
use crate::kinds::Follows;

/// What somebody is reached by.
#[derive(Clone, Debug)]
pub enum Notifier {
    Slack(Slack),
    PagerDuty(PagerDuty),
    Webhook(Webhook),
    Email(Email),
}

impl Notifier {
    /// Whether it is told that something was taken up, and that it is over.
    pub fn follows(&self) -> Follows {
        match self {
            Self::PagerDuty(_) | Self::Webhook(_) => Follows::All,
            Self::Slack(slack) => slack.follows(),
            Self::Email(_) => Follows::Not,
        }
    }

    /// What it is and where it leads, without a secret.
    pub fn about(&self) -> String {
        match self {
            Self::Slack(slack) => slack.about(),
            Self::PagerDuty(service) => format!("PagerDuty at {}", service.url),
            Self::Webhook(hook) => format!("webhook {}", hook.url),
            Self::Email(email) => email.about(),
        }
    }
}
