//! How an incident is listed and shown.

use super::judged::said;
use super::noise::NOISE;
use super::postmortem::POSTMORTEM;
use super::proposal::Proposal;
use super::row::{AlertState, Incident, IncidentState};
use super::severity::Severity;
use crate::domain::{Actor, Timestamp, Untrusted};
use crate::kinds::{Column, Document, Fact, Look, Shown, Stream, Surface, Surfaced, Survey, Takes};

impl Surfaced for Incident {
    fn surface() -> Option<Surface> {
        Some(Surface::of::<Self>())
    }
}

impl Shown for Incident {
    const COLUMNS: &'static [Column] = &[
        Column { title: "severity", width: Some(8) },
        Column { title: "title", width: None },
        Column { title: "alerts", width: Some(7) },
        Column { title: "who", width: Some(10) },
        Column { title: "labels", width: Some(40) },
    ];

    const STATES: &'static [&'static str] = &[
        IncidentState::Firing.name(),
        IncidentState::Held.name(),
        IncidentState::Acknowledged.name(),
        IncidentState::Mitigating.name(),
        IncidentState::Resolved.name(),
    ];

    const DOCUMENTS: &'static [Document] = &[POSTMORTEM];

    const SURVEYS: &'static [Survey] = &[NOISE];

    const EMPTY: &'static str = "No incidents. Alerts arrive through `morningai serve`, `morningai ingest`, or the Alertmanager set in config.toml.";

    fn cells(&self) -> Vec<Untrusted> {
        let who = self.holder().map_or("", Actor::name);
        let title = match &self.held {
            Some(why) => format!("{} · {}", why.said(), self.title.raw()).into(),
            None => self.title.clone(),
        };
        vec![self.severity.name().into(), title, self.count().into(), who.into(), self.labels.others()]
    }

    fn facts(&self) -> Vec<Fact> {
        let mut facts = vec![
            Fact::new("title", self.title.clone()).look(self.look()),
            Fact::new("severity", self.severity_said()).look(severity(self.severity)),
        ];
        facts.extend(self.judged.iter().map(|judged| {
            let said = said(judged.severity, &judged.reason);
            Fact::new("model says", said).of(Stream::Run(judged.run))
        }));
        facts.extend(self.held.as_ref().map(|why| Fact::new("held", why.said()).look(Look::Notable).of(why.stream())));
        facts.extend(self.acknowledged_by.iter().map(|by| dated("acknowledged", by, self.acknowledged_at)));
        facts.extend(self.assigned_to.iter().map(|to| Fact::new("assigned", to.name())));
        facts.extend(self.resolved_by.iter().map(|by| dated("resolved", by, self.resolved_at)));
        facts.extend(
            self.merged_into
                .map(|into| Fact::new("merged", format!("into incident {}", into.short())).of(Stream::Incident(into))),
        );
        facts
            .extend(self.snoozed_until.map(|until| Fact::new("snoozed", "until then, unless it gets worse").at(until)));
        if let (Some(last), count @ 2..) = (self.reopened_at.last(), self.reopened_at.len()) {
            facts.push(Fact::new("reopened", format!("{count} times, last")).look(Look::Warning).at(*last));
        }
        facts.extend(self.runbook.iter().map(|name| Fact::new("runbook", name.as_str())));
        let agent = self.agent.iter().filter(|_| self.runbook.is_none());
        facts.extend(agent.map(|name| Fact::new("runbook", format!("none matches; the agent {name} can handle it"))));
        facts.extend(self.silence.as_ref().map(|silence| {
            let (said, run) = silence.said();
            Fact::new("silence", said).of(run)
        }));
        facts.push(Fact::new("labels", self.labels.line()));
        facts.push(Fact::new("alerts", self.count()));
        let mut alerts: Vec<_> = self.alerts.values().collect();
        alerts.sort_by_key(|state| (state.cleared_at.is_some(), std::cmp::Reverse(state.alert.severity())));
        facts.extend(alerts.into_iter().map(|state| self.alert(state)));
        if self.left_out > 0 {
            facts.push(Fact::new("", format!("{} more fire and are not listed", self.left_out)).look(Look::Bad));
        }
        facts.extend(self.runs.iter().map(|linked| {
            let state = linked.ended.map_or("under way", |state| state.name());
            let name = linked.runbook.as_deref().unwrap_or("linked");
            Fact::new("runs", format!("{name} {} {state}", linked.run.short()))
                .at(linked.at)
                .of(Stream::Run(linked.run))
        }));
        let proposed = |one: &Proposal| Fact::new("proposed", one.said()).of(Stream::Approval(one.approval));
        facts.extend(self.proposals.iter().map(proposed));
        facts.extend(self.timeline.iter().map(|moment| {
            let by = match &moment.done_by {
                Actor::System => String::new(),
                Actor::Person(name) | Actor::Agent(name) => format!(" by {name}"),
            };
            let lead = format!("{}{by}", moment.event);
            let what = if moment.what.is_empty() { lead } else { format!("{lead}: {}", moment.what.raw()) };
            Fact::new("timeline", what).at(moment.at)
        }));
        facts
    }

    fn look(&self) -> Look {
        match self.state {
            IncidentState::Firing => severity(self.severity),
            IncidentState::Held => Look::Dim,
            IncidentState::Acknowledged => Look::Notable,
            IncidentState::Mitigating => Look::Running,
            IncidentState::Resolved => Look::Dim,
        }
    }

    fn urgency(&self) -> u8 {
        match self.is_open() {
            false => 0,
            true if self.snoozed_until.is_some() || self.held.is_some() => 1,
            true => 1 + self.severity as u8,
        }
    }

    fn needs_somebody(&self) -> bool {
        self.state == IncidentState::Firing && self.snoozed_until.is_none()
    }

    fn takes(&self, verb: &str) -> Takes {
        let is_possible = match verb {
            "acknowledge" => self.is_open() && self.acknowledged_at.is_none(),
            "runbook" => self.is_open() && self.mitigation().is_none(),
            "assign" | "snooze" | "resolve" | "severity" => self.is_open(),
            "merge" => self.is_open() && self.mitigation().is_none(),
            "split" => self.is_open() && self.firing().count() > 1,
            "silence" => {
                let is_being_made = self.silence.as_ref().is_some_and(|silence| silence.is_being_made());
                self.is_open() && !self.shared_labels().is_empty() && !is_being_made
            }
            "reopen" => !self.is_open() && self.merged_into.is_none(),
            _ => true,
        };
        match is_possible {
            false => Takes::Nothing,
            // None matches, so one must be named.
            true if verb == "runbook" && self.handler().is_none() => Takes::Words,
            true => Takes::Anything,
        }
    }
}

impl Incident {
    /// `2 of 3`: how many fire, of how many there were.
    fn count(&self) -> String {
        let all = self.alerts.len() as u64 + u64::from(self.left_out);
        format!("{}/{all}", self.firing().count() as u64 + u64::from(self.left_out))
    }

    fn alert(&self, state: &AlertState) -> Fact {
        let alert = &state.alert;
        let (word, look) = match state.cleared_at {
            None => ("firing", severity(alert.severity())),
            Some(_) => ("cleared", Look::Dim),
        };
        let summary = alert.summary().map(|summary| format!("  {summary}")).unwrap_or_default();
        Fact::new("", format!("{word} {}{summary}", alert.line(&self.labels).raw())).at(alert.starts_at).look(look)
    }
}

fn severity(severity: Severity) -> Look {
    match severity {
        Severity::Critical => Look::Bad,
        Severity::Warning => Look::Warning,
        Severity::Info => Look::Plain,
    }
}

fn dated(name: &'static str, by: &Actor, at: Option<Timestamp>) -> Fact {
    let fact = Fact::new(name, format!("by {}", by.name()));
    match at {
        Some(at) => fact.at(at),
        None => fact,
    }
}
