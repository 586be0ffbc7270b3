//! The noise report: which alerts rang how often, which of them nobody acted on, and what was kept from ringing and why.

use std::collections::BTreeMap;

use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;

use super::event::IncidentEvent;
use super::hold::Hold;
use crate::domain::{Actor, IncidentId, Timestamp, Untrusted};
use crate::kinds::{Envelope, Event, KindEvent, Stream, Survey, SurveyLine, Tally};

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
    begin: || Box::new(Noise::default()),
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

/// Alerts that have a line of their own; those that come after share one.
const MOST_LINES: usize = 2000;

/// The report under way, from the newest event to the oldest. An incident whose beginning was seen is put to the line of its
/// alert.
#[derive(Default)]
struct Noise {
    open: BTreeMap<IncidentId, Counted>,
    lines: BTreeMap<Untrusted, NoiseLine>,
}

/// What happened in one incident, as far back as it was read.
#[derive(Default)]
struct Counted {
    line: NoiseLine,
    has_person: bool,
    /// When the last alerts fired that were read, and how many at once. Where the incident opened then, they are no repeats.
    fired: Option<(Timestamp, u64)>,
}

impl Tally for Noise {
    fn count(&mut self, envelope: &Envelope) {
        let (Stream::Incident(id), Event::Incident(event)) = (envelope.stream, &envelope.event) else { return };
        self.open.entry(id).or_default().add(event, envelope);
        self.learn(envelope);
    }

    fn unknown(&self) -> Vec<Stream> {
        self.open.keys().copied().map(Stream::Incident).collect()
    }

    fn learn(&mut self, first: &Envelope) {
        let (Stream::Incident(id), Event::Incident(event)) = (first.stream, &first.event) else { return };
        let IncidentEvent::Opened { title, labels, .. } = event else { return };
        let Some(counted) = self.open.remove(&id) else { return };
        let alert = labels.get("alertname").map_or_else(|| title.clone(), Untrusted::from);
        let is_known = self.lines.contains_key(&alert) || self.lines.len() < MOST_LINES;
        let alert = if is_known { alert } else { "other alerts".into() };
        let sum = self.lines.entry(alert.clone()).or_default();
        *sum = NoiseLine { alert, ..counted.whole() }.plus(sum);
    }

    fn lines(self: Box<Self>) -> Vec<SurveyLine> {
        let mut lines: Vec<_> = self.lines.into_values().collect();
        lines.sort_by_key(|line| std::cmp::Reverse((line.nobody_acted, line.rang, line.kept())));
        lines.into_iter().map(NoiseLine::told).collect()
    }
}

impl Counted {
    fn whole(mut self) -> NoiseLine {
        self.settle(None);
        let nobody_acted = if self.has_person { 0 } else { self.line.rang };
        NoiseLine { nobody_acted, incidents: 1, ..self.line }
    }

    /// The alerts that fired at a time are repeats, unless the incident opened then.
    fn settle(&mut self, opened: Option<Timestamp>) {
        let fired = self.fired.take().filter(|(at, _)| opened != Some(*at));
        self.line.repeats += fired.map_or(0, |(_, count)| count);
    }

    fn add(&mut self, event: &IncidentEvent, envelope: &Envelope) {
        self.has_person |= matches!(envelope.by, Actor::Person(_));
        self.line.rang += u64::from(event.rings());
        match event {
            IncidentEvent::Opened { .. } => self.settle(Some(envelope.at)),
            IncidentEvent::Reopened { is_flapping, .. } => {
                self.settle(Some(envelope.at));
                self.line.flapping += u64::from(*is_flapping);
            }
            IncidentEvent::AlertFired { .. } => match &mut self.fired {
                Some((at, count)) if *at == envelope.at => *count += 1,
                Some(_) | None => {
                    self.settle(None);
                    self.fired = Some((envelope.at, 1));
                }
            },
            IncidentEvent::Held { why: Hold::Maintenance { .. } } => self.line.maintenance += 1,
            IncidentEvent::Held { why: Hold::Inhibited { .. } } => self.line.inhibited += 1,
            IncidentEvent::Snoozed { .. } => self.line.snoozed += 1,
            IncidentEvent::SilenceWanted { .. } => self.line.silenced += 1,
            IncidentEvent::AlertCleared { .. }
            | IncidentEvent::AlertsLeftOut { .. }
            | IncidentEvent::Acknowledged {}
            | IncidentEvent::Assigned { .. }
            | IncidentEvent::Noted { .. }
            | IncidentEvent::SeverityJudged { .. }
            | IncidentEvent::SeveritySet { .. }
            | IncidentEvent::RunbookChangeWanted { .. }
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
