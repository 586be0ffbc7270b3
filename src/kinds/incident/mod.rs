//! An incident: alerts that belong together, who is on it, and what is done about it.

mod alert;
mod decide;
mod event;
mod group;
mod hold;
mod judged;
mod judging;
mod labels;
mod marks;
mod metric;
mod noise;
mod postmortem;
mod proposal;
mod row;
mod severity;
mod shown;
mod silence;
mod verbs;
mod wishes;

use crate::domain::{Action, Actor, IncidentId, Rejection, RunId, RunState, Timestamp};
use crate::kinds::{Decided, Event, Index, Kept, Kind, Owned, Owner, RunEvent, Stamp, Stream, Wanted, World};

pub use alert::Alert;
pub(in crate::kinds) use decide::with_holds;
pub use event::IncidentEvent;
pub use group::{Claim, GroupKey};
pub use hold::Hold;
pub use judged::{Judged, SeveritySet};
pub use labels::Labels;
pub use marks::{Marks, Side};
pub use proposal::{Proposal, RunbookChange};
pub use row::{AlertState, Incident, IncidentState, LinkedRun};
pub use severity::Severity;
pub use silence::Silence;
pub use verbs::{IncidentReport, IncidentVerb, Sight};

impl Kind for Incident {
    type Id = IncidentId;
    type Event = IncidentEvent;
}

impl Owned for Incident {
    fn owner<'a>(_: &'a IncidentEvent, _: &'a Actor) -> Owner<'a> {
        Owner::Tenant
    }
}

impl Kept for Incident {
    type Verb = IncidentVerb;

    const READING: Action = Action::ReadIncidents;

    fn decide(
        world: &dyn World,
        id: IncidentId,
        verb: IncidentVerb,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<Decided>, Rejection> {
        let decided = match verb {
            IncidentVerb::Acknowledge => decide::acknowledge(world, id, by),
            IncidentVerb::Assign { to } => decide::assign(world, id, &to, by),
            IncidentVerb::Note { text } => decide::note(world, id, text, by),
            IncidentVerb::Runbook { name } => decide::runbook(world, id, name, by),
            IncidentVerb::Severity { severity } => decide::set_severity(world, id, severity, by),
            IncidentVerb::Link { run } => decide::link(world, id, run, by),
            IncidentVerb::Merge { into } => decide::merge(world, id, into, by),
            IncidentVerb::Split { label } => decide::split(world, id, &label, by),
            IncidentVerb::Amend { text } => decide::amend(world, id, text, by),
            IncidentVerb::Silence { length } => decide::silence(world, id, length, by),
            IncidentVerb::Snooze { length } => decide::snooze(world, id, &length, by, now),
            IncidentVerb::Wake => Ok(decide::wake(world, id, by, now)),
            IncidentVerb::Resolve => decide::resolve(world, id, by),
            IncidentVerb::Reopen => decide::reopen(world, id, by),
            IncidentVerb::GiveUp { run, reason } => Ok(decide::give_up(world, id, run, &reason, by)),
            IncidentVerb::Report { report } => Ok(decide::report(world, id, *report, by, now)),
        };
        decided.map(|decided| with_holds(world, decided, now))
    }

    fn begin(id: IncidentId, event: &IncidentEvent, stamp: &Stamp<'_>) -> Option<Self> {
        Self::opened(id, event, stamp)
    }

    fn apply(&mut self, event: &IncidentEvent, stamp: &Stamp<'_>) {
        self.take_in(event, stamp);
    }

    fn id(&self) -> IncidentId {
        self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn index(&self) -> Index {
        // It needs its silence to be lifted, too, and what it proposes to be answered.
        let is_changing = self.change.as_ref().is_some_and(|change| !change.has_ended);
        let is_open = self.is_open() || is_changing || self.silence.as_ref().is_some_and(Silence::is_to_be_lifted);
        // While it is held back, the end of a snooze calls nobody either.
        let (state, due) = (self.state.name(), self.snoozed_until.filter(|_| self.held.is_none()));
        Index { is_open, sort: self.opened_at, state, parent: None, due }
    }

    fn when_due(&self) -> Option<IncidentVerb> {
        Some(IncidentVerb::Wake)
    }

    fn wants(&self) -> Vec<Wanted> {
        self.wishes()
    }

    fn when_unstarted(&self, run: RunId, reason: &str) -> Option<IncidentVerb> {
        Some(IncidentVerb::GiveUp { run, reason: reason.into() })
    }

    fn told(&self, world: &dyn World, of: Stream, event: &Event) -> Option<IncidentEvent> {
        let (Stream::Run(run), Event::Run(event)) = (of, event) else { return None };
        let is_judging = self.is_judged_by(run);
        if !is_judging && !self.waits_for_run(run) {
            return None;
        }
        let (state, summary) = match event {
            RunEvent::Succeeded { summary } => (RunState::Succeeded, summary.raw()),
            RunEvent::Failed { reason, .. } => (RunState::Failed, reason.raw()),
            RunEvent::Cancelled { reason } => (RunState::Cancelled, reason.as_str()),
            RunEvent::Started { .. }
            | RunEvent::PlanAdopted { .. }
            | RunEvent::StepMarked { .. }
            | RunEvent::TurnStarted { .. }
            | RunEvent::TurnFinished { .. }
            | RunEvent::TurnFailed { .. }
            | RunEvent::CallsRequested { .. }
            | RunEvent::CallParked { .. }
            | RunEvent::CallDelegated { .. }
            | RunEvent::DelegateEnded { .. }
            | RunEvent::CallEdited { .. }
            | RunEvent::EffectStarted { .. }
            | RunEvent::EffectInDoubt { .. }
            | RunEvent::CallSettled { .. }
            | RunEvent::LimitReached { .. }
            | RunEvent::Paused { .. }
            | RunEvent::Resumed {}
            | RunEvent::Recovered { .. }
            | RunEvent::SetAside {}
            | RunEvent::CancelRequested { .. } => return None,
        };
        if is_judging {
            return Some(judging::judged(run, state, summary));
        }
        let escalates = self.escalates(run, event);
        let (summary, proposed) = (labels::short(summary), proposal::proposals(world, run));
        let helped = self.helps(run, state);
        Some(IncidentEvent::RunEnded { run, state, summary, escalates, proposed, helped })
    }
}
