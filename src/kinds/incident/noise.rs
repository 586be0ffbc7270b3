//! The noise report: which alerts rang how often, which of them nobody acted on, and what was kept from ringing and why.

use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;

use super::event::IncidentEvent;
use super::hold::Hold;
use crate::domain::{Actor, IncidentId, Timestamp, Untrusted};
use crate::kinds::{Envelope, Event, KindEvent, Stream, Survey, SurveyLine};

pub(super) const NOISE: Survey = Survey {
    name: "noise",
    about: "Count what rang and what was kept from ringing, by alert",
    family: "incident.",
    columns: &[
        "rang",
        "nobody acted",
        "repeats",
        "flapping",
        "maintenance",
        "inhibited",
        "snoozed",
        "silenced",
        "alert",
    ],
    count,
    schema: SchemaGenerator::subschema_for::<NoiseLine>,
};

/// One kind of alert. What is counted are times, not minutes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
struct NoiseLine {
    /// The label `alertname`, or the title of the incident.
    alert: Untrusted,
    /// Incidents that something happened in.
    incidents: u64,
    /// Times that an incident called people.
    rang: u64,
    /// Those of them in incidents that no person did anything about.
    nobody_acted: u64,
    /// Alerts that fired in an incident that was open already.
    repeats: u64,
    /// Times that it came back too often to ring again.
    flapping: u64,
    /// Times that it was held back by a maintenance window.
    maintenance: u64,
    /// Times that another incident kept it quiet.
    inhibited: u64,
    snoozed: u64,
    silenced: u64,
}

/// What happened in one incident.
#[derive(Default)]
struct Counted {
    line: NoiseLine,
    has_person: bool,
    /// When it was last opened: alerts of the same moment are no repeats.
    opened_at: Option<Timestamp>,
}

fn count(events: &[Envelope], since: Timestamp) -> Vec<SurveyLine> {
    let mut incidents: BTreeMap<IncidentId, Counted> = BTreeMap::new();
    for envelope in events {
        let (Stream::Incident(id), Event::Incident(event)) = (envelope.stream, &envelope.event) else { continue };
        let counted = incidents.entry(id).or_default();
        counted.learn(event);
        if envelope.at >= since {
            counted.add(event, envelope);
        }
    }
    let mut lines: BTreeMap<Untrusted, NoiseLine> = BTreeMap::new();
    for Counted { line, has_person, .. } in incidents.into_values() {
        let sum = lines.entry(line.alert.clone()).or_default();
        let nobody_acted = if has_person { 0 } else { line.rang };
        *sum = NoiseLine { nobody_acted, incidents: 1, ..line }.plus(sum);
    }
    let mut lines: Vec<_> = lines.into_values().collect();
    lines.sort_by_key(|line| std::cmp::Reverse((line.nobody_acted, line.rang, line.kept())));
    lines.into_iter().map(NoiseLine::told).collect()
}

impl Counted {
    fn learn(&mut self, event: &IncidentEvent) {
        if let IncidentEvent::Opened { title, labels, .. } = event {
            self.line.alert = labels.get("alertname").map_or_else(|| title.clone(), Untrusted::from);
        }
    }

    fn add(&mut self, event: &IncidentEvent, envelope: &Envelope) {
        self.has_person |= matches!(envelope.by, Actor::Person(_));
        let line = &mut self.line;
        line.rang += u64::from(event.rings());
        match event {
            IncidentEvent::Opened { .. } => self.opened_at = Some(envelope.at),
            IncidentEvent::Reopened { is_flapping, .. } => {
                self.opened_at = Some(envelope.at);
                line.flapping += u64::from(*is_flapping);
            }
            IncidentEvent::AlertFired { .. } => line.repeats += u64::from(self.opened_at != Some(envelope.at)),
            IncidentEvent::Held { why: Hold::Maintenance { .. } } => line.maintenance += 1,
            IncidentEvent::Held { why: Hold::Inhibited { .. } } => line.inhibited += 1,
            IncidentEvent::Snoozed { .. } => line.snoozed += 1,
            IncidentEvent::SilenceWanted { .. } => line.silenced += 1,
            IncidentEvent::AlertCleared { .. }
            | IncidentEvent::AlertsLeftOut { .. }
            | IncidentEvent::Acknowledged {}
            | IncidentEvent::Assigned { .. }
            | IncidentEvent::Noted { .. }
            | IncidentEvent::RunbookStarted { .. }
            | IncidentEvent::Linked { .. }
            | IncidentEvent::RunEnded { .. }
            | IncidentEvent::Absorbed { .. }
            | IncidentEvent::Merged { .. }
            | IncidentEvent::Split { .. }
            | IncidentEvent::Amended { .. }
            | IncidentEvent::Woke {}
            | IncidentEvent::Released { .. }
            | IncidentEvent::Resolved {} => {}
        }
    }
}

impl NoiseLine {
    /// All that was kept from ringing.
    fn kept(&self) -> u64 {
        self.repeats + self.flapping + self.maintenance + self.inhibited + self.snoozed + self.silenced
    }

    fn plus(self, other: &Self) -> Self {
        Self {
            alert: self.alert,
            incidents: self.incidents + other.incidents,
            rang: self.rang + other.rang,
            nobody_acted: self.nobody_acted + other.nobody_acted,
            repeats: self.repeats + other.repeats,
            flapping: self.flapping + other.flapping,
            maintenance: self.maintenance + other.maintenance,
            inhibited: self.inhibited + other.inhibited,
            snoozed: self.snoozed + other.snoozed,
            silenced: self.silenced + other.silenced,
        }
    }

    fn told(self) -> SurveyLine {
        let counts = [
            self.rang,
            self.nobody_acted,
            self.repeats,
            self.flapping,
            self.maintenance,
            self.inhibited,
            self.snoozed,
            self.silenced,
        ];
        let cells = counts.map(|count| Untrusted::from(count.to_string())).into_iter().chain([self.alert.clone()]);
        SurveyLine { cells: cells.collect(), json: serde_json::to_value(&self).unwrap_or_default() }
    }
}
