//! From groups of alerts to commands: which incident a group is of, what it is called, and which runbook is for it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::mapping::Mapping;
use super::rules::Rules;
use crate::domain::{Timestamp, Untrusted};
use crate::kinds::{Alert, Command, GroupKey, IncidentReport, IncidentVerb, Labels, Sight};

/// Bytes of the largest body that is taken.
pub const LARGEST_BODY: usize = 8 * 1024 * 1024;

/// Alerts taken of one body.
pub(super) const MOST_ALERTS: usize = 20_000;

/// Names and values as they came.
pub(super) type Pairs = BTreeMap<String, String>;

/// Bytes of a title that are kept.
const LONGEST: usize = 300;

/// Bytes of the address of a rule, which holds its query.
const LONGEST_URL: usize = 2048;

/// How alerts are put together, which runbook is for which, and which inhibits which.
#[derive(Clone, Debug, Default)]
pub struct Grouping {
    /// Labels whose values alerts of one incident share; empty: as Alertmanager groups them.
    pub by: Vec<String>,
    pub rules: Rules,
    /// How to read the bodies of those whose format is not known here.
    pub mappings: Vec<Mapping>,
}

/// Alerts that belong together.
pub(super) struct Group {
    pub(super) key: GroupKey,
    pub(super) labels: Pairs,
    pub(super) alerts: Vec<Told>,
    /// How many that fire were left out.
    pub(super) left_out: u32,
}

/// An alert with its labels whole, as they are needed to group it.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) labels: Pairs,
    pub(super) annotations: Pairs,
    pub(super) starts_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) fingerprint: String,
    pub(super) url: String,
}

impl Group {
    /// The group with these labels. Without any, `otherwise` tells it from others.
    pub(super) fn key(labels: &Pairs, otherwise: &str) -> GroupKey {
        match labels.is_empty() {
            true => GroupKey::of(["group", otherwise]),
            false => GroupKey::of(labels.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()])),
        }
    }

    /// The group that `source` knows by a name of its own, whatever labels its alerts have.
    pub(super) fn named(source: &str, name: &[&str], alerts: Vec<Told>) -> Self {
        let key = GroupKey::of(std::iter::once(source).chain(name.iter().copied()));
        Self { key, labels: Pairs::new(), alerts, left_out: 0 }
    }

    /// Put together by other labels, if that is wanted.
    pub(super) fn regrouped(self, by: &[String]) -> Vec<Self> {
        if by.is_empty() {
            return vec![self];
        }
        let mut groups: BTreeMap<Pairs, Vec<Told>> = BTreeMap::new();
        for alert in self.alerts {
            let value = |name: &String| (name.clone(), alert.labels.get(name).cloned().unwrap_or_default());
            groups.entry(by.iter().map(value).collect()).or_default().push(alert);
        }
        let group = |(labels, alerts): (Pairs, Vec<Told>)| {
            // What was left out could be in any of them.
            Self { key: Self::key(&labels, ""), labels, alerts, left_out: 0 }
        };
        groups.into_iter().map(group).collect()
    }

    /// What is to be done about it; `None` where there is nothing to tell.
    pub(super) fn command(self, source: &str, sight: Sight, rules: &Rules) -> Option<Command> {
        let first = self.alerts.iter().map(|alert| alert.starts_at).min()?;
        let title = self.title();
        let labels = Labels::bounded(self.shared());
        let runbook = rules.runbook(&labels);
        let agent = rules.agent.clone().filter(|_| runbook.is_none());
        let classifier = rules.classifier.clone();
        let Self { key: group, alerts, left_out, .. } = self;
        let alerts = alerts.into_iter().map(|told| told.bounded(source, rules)).collect();
        let id = group.incident(first);
        let report = IncidentReport { group, title, labels, runbook, agent, classifier, alerts, left_out, sight };
        Some(IncidentVerb::Report { report: Box::new(report) }.on(id))
    }

    /// The labels that all of its alerts have.
    fn shared(&self) -> Pairs {
        let mut alerts = self.alerts.iter();
        let mut shared = alerts.next().map(|alert| alert.labels.clone()).unwrap_or_default();
        for alert in alerts {
            shared.retain(|name, value| alert.labels.get(name) == Some(value));
        }
        shared
    }

    /// `DiskFilling: /var is 91 % full`, or what its alerts share.
    fn title(&self) -> Untrusted {
        let shared = self.shared();
        let name = shared.get("alertname").or_else(|| self.labels.get("alertname")).map_or("alerts", String::as_str);
        let mut summaries: Vec<_> = self.alerts.iter().map(|alert| alert.annotations.get("summary")).collect();
        summaries.dedup();
        let title = match summaries.as_slice() {
            [Some(summary)] => format!("{name}: {summary}"),
            _ => {
                let named = self.labels.iter().filter(|(label, _)| *label != "alertname");
                let words = named.map(|(label, value)| format!("{label}={value}"));
                std::iter::once(name.to_owned()).chain(words).collect::<Vec<_>>().join(" ")
            }
        };
        beginning(&title)
    }
}

impl Told {
    fn bounded(self, source: &str, rules: &Rules) -> Alert {
        let labels = Labels::bounded(self.labels);
        Alert {
            marks: rules.marks(&labels),
            fingerprint: self.fingerprint,
            starts_at: self.starts_at,
            ended_at: self.ended_at,
            labels,
            annotations: Labels::bounded(self.annotations),
            url: Untrusted::from(self.url).cut(LONGEST_URL),
            source: beginning(source),
        }
    }
}

/// What an alert is known by: as the source says, where that is a plain word, else by its labels.
pub(super) fn fingerprint(said: &str, labels: &Pairs) -> String {
    let is_plain = (1..=64).contains(&said.len()) && said.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_plain { said.to_ascii_lowercase() } else { Group::key(labels, "").digest().to_owned() }
}

pub(super) fn beginning(text: &str) -> Untrusted {
    Untrusted::from(text).cut(LONGEST)
}

/// Labels or annotations as the sources here write them.
pub(super) fn pairs<'a>(given: impl IntoIterator<Item = (&'a str, &'a str)>) -> Pairs {
    let given = given.into_iter().filter(|(_, value)| !value.is_empty());
    given.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A time as RFC 3339 has it; `None` for the one that stands for none.
pub(super) fn time(text: &str) -> Result<Option<Timestamp>, String> {
    let read = DateTime::parse_from_rfc3339(text).map_err(|_| format!("{:?} is not a time", beginning(text)))?;
    let read = read.with_timezone(&Utc);
    Ok((read.timestamp() > 0).then_some(read))
}
