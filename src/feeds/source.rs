//! The sources that post to a receiver, in one table: its name, what a delivery must show, and how its body is read. The
//! receivers, `ingest`, the documentation and `doctor` are made from it.

use super::alertmanager::read_webhook;
use super::group::Grouping;
use super::heard::Heard;
use super::proof::Proof;
use super::unreadable::Unreadable;
use super::{github, json, pagerduty, sentry};

/// Reads a body. Everything that it goes by is in what was signed.
type Read = fn(&[u8], &Grouping) -> Result<Heard, Unreadable>;

/// A source that posts what happens.
#[derive(Debug)]
pub struct Source {
    /// The last part of its path, and its name on the command line.
    pub name: &'static str,
    /// What its receiver takes.
    pub about: &'static str,
    pub proof: Proof,
    read: Read,
}

/// The table.
pub static SOURCES: [Source; 5] = [
    Source {
        name: "alertmanager",
        about: "What Alertmanager posts to a webhook, version 4",
        proof: Proof::Token,
        read: read_webhook,
    },
    Source {
        name: "github",
        about: "GitHub's workflow_run, check_run and secret_scanning_alert events",
        proof: Proof::Signature { header: "X-Hub-Signature-256", prefix: "sha256=" },
        read: github::read,
    },
    Source {
        name: "sentry",
        about: "Sentry's issue alerts, metric alerts and resolved issues",
        proof: Proof::Signature { header: "Sentry-Hook-Signature", prefix: "" },
        read: sentry::read,
    },
    Source {
        name: "pagerduty",
        about: "PagerDuty's incidents, as webhooks of version 3",
        proof: Proof::Signature { header: "X-PagerDuty-Signature", prefix: "v1=" },
        read: pagerduty::read,
    },
    Source {
        name: "json",
        about: "JSON of any form that [[incidents.mapping]] describes",
        proof: Proof::Token,
        read: json::read,
    },
];

impl Source {
    pub fn named(name: &str) -> Option<&'static Self> {
        SOURCES.iter().find(|source| source.name == name)
    }

    /// What a body says.
    pub fn read(&self, body: &[u8], grouping: &Grouping) -> Result<Heard, Unreadable> {
        (self.read)(body, grouping)
    }
}
