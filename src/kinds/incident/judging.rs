//! Having a model say how bad an incident is whose alerts do not.
//!
//! A model can only make it worse, and never what a person has set. What an alert says may be written to play it down.

use std::collections::BTreeMap;

use super::event::IncidentEvent;
use super::judged::{Judged, SeveritySet};
use super::labels::short;
use super::row::Incident;
use super::severity::Severity;
use crate::domain::{Actor, RunId, RunState, Usd};
use crate::kinds::{Brief, Handler, Stream, Wanted, World};

/// Incidents that a model is asked about at a time: a storm of them costs no more.
const MOST_AT_ONCE: usize = 10;

/// What asking about one may cost.
const MOST_COST: Usd = Usd(10 * Usd::CENT.0);

impl Incident {
    /// The run that says how bad it is, where that is to be known.
    pub(super) fn judging(&self) -> Option<Wanted> {
        self.judge().filter(|_| self.severity_set.is_none() && self.held.is_none())
    }

    /// The same, whether it has begun or is still to begin.
    fn judge(&self) -> Option<Wanted> {
        let agent = self.classifier.as_ref().filter(|_| self.judged.is_none())?;
        let goal = format!(
            "Say how bad incident {} is for the people who use what it is about, with one sentence of reason",
            self.id.short()
        );
        let brief = Brief { most_cost: Some(MOST_COST), ..self.brief(goal) };
        Some(Wanted {
            of: Stream::Incident(self.id),
            since: 1,
            at: self.opened_at,
            by: Actor::System,
            rule: "judge",
            procedure: agent.clone(),
            handler: Handler::Agent(brief),
            inputs: BTreeMap::new(),
        })
    }

    pub(super) fn be_judged(&mut self, judged: Judged) {
        let worse = judged.severity.filter(|severity| self.severity_set.is_none() && *severity > self.severity);
        if let Some(severity) = worse {
            (self.severity, self.snoozed_until) = (severity, None);
        }
        self.judged = Some(judged);
    }

    pub(super) fn be_set(&mut self, severity: Severity, by: &Actor) {
        if severity > self.severity {
            self.snoozed_until = None;
        }
        let over = self.alerts.values().map(|state| state.alert.severity()).max().unwrap_or(self.severity);
        (self.severity, self.severity_set) = (severity, Some(SeveritySet { by: by.clone(), over }));
    }

    /// The severity of an alert that makes it worse than it is.
    pub(super) fn worse(&self, alert: Severity) -> Option<Severity> {
        let said = self.severity_set.as_ref().map_or(self.severity, |set| set.over);
        (alert > self.severity && alert > said).then_some(alert)
    }

    /// `critical, set by ana`
    pub(super) fn severity_said(&self) -> String {
        let name = self.severity.name();
        match (&self.severity_set, &self.judged) {
            (Some(set), _) => format!("{name}, set by {}", set.by.name()),
            (None, Some(judged)) if judged.severity == Some(self.severity) => format!("{name}, by model"),
            (None, _) => name.to_owned(),
        }
    }

    pub(super) fn is_judged_by(&self, run: RunId) -> bool {
        self.judge().is_some_and(|wanted| wanted.run().is_alike(&run))
    }
}

/// What the end of its run says: `critical: nobody can pay`.
pub(super) fn judged(run: RunId, state: RunState, said: &str) -> IncidentEvent {
    let judged = (state == RunState::Succeeded).then(|| said.split_once(": ")).flatten();
    let judged = judged.and_then(|(name, reason)| Some((Severity::of_name(name)?, reason)));
    let (severity, reason) = judged.map_or((None, said), |(severity, reason)| (Some(severity), reason));
    IncidentEvent::SeverityJudged { run, severity, reason: short(reason) }
}

/// Who is asked about another incident, if there is room.
pub(super) fn classifier(world: &dyn World, wanted: Option<String>) -> Option<String> {
    let wanted = wanted?;
    let asked = world.incidents().values().filter(|incident| incident.is_open() && incident.judging().is_some());
    (asked.take(MOST_AT_ONCE).count() < MOST_AT_ONCE).then_some(wanted)
}
