//! A run: an agent or a procedure at work.

mod budget;
mod decide;
mod delegate;
mod event;
mod row;
mod verbs;

use crate::domain::{Action, Actor, Rejection, RunId, Timestamp};
use crate::kinds::{Decided, Event, Index, Kept, Kind, Owned, Owner, Stamp, Stream, Surfaced, Wanted, World};

pub use budget::BudgetRaises;
pub use decide::{cancel as cancel_run, end_cancelled, find_live_run, find_run, resume as resume_run};
pub use event::RunEvent;
pub use row::{CallStage, DelegateEnd, OpenCall, OpenTurn, Run};
pub use verbs::RunVerb;

impl Kind for Run {
    type Id = RunId;
    type Event = RunEvent;
}

impl Owned for Run {
    fn owner<'a>(_: &'a RunEvent, by: &'a Actor) -> Owner<'a> {
        match by {
            Actor::Person(name) => Owner::Person(name),
            Actor::Agent(_) | Actor::System => Owner::Tenant,
        }
    }
}

impl Surfaced for Run {}

impl Kept for Run {
    type Verb = RunVerb;

    const READING: Action = Action::ReadRuns;

    fn decide(
        world: &dyn World,
        id: RunId,
        verb: RunVerb,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<Decided>, Rejection> {
        match verb {
            RunVerb::Start { spec } => decide::start(world, id, *spec, by, now),
            RunVerb::StartWanted { of, spec } => decide::start_wanted(world, id, of, *spec, by, now),
            RunVerb::Pause => decide::pause(world, id, by),
            RunVerb::Resume => decide::resume(world, id, by),
            RunVerb::Cancel { reason } => decide::cancel(world, id, reason, by),
            RunVerb::AgentFailed { agent_run, reason } => Ok(delegate::give_up(world, id, agent_run, &reason, by)),
        }
    }

    fn begin(id: RunId, event: &RunEvent, stamp: &Stamp<'_>) -> Option<Self> {
        let RunEvent::Started { spec } = event else { return None };
        Some(Self::started(id, spec, stamp.by, stamp.at))
    }

    fn apply(&mut self, event: &RunEvent, stamp: &Stamp<'_>) {
        self.take_in(event, stamp.version, stamp.at);
    }

    fn id(&self) -> RunId {
        self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn index(&self) -> Index {
        Index {
            is_open: !self.state.is_final(),
            sort: self.started_at,
            state: self.state.name(),
            parent: None,
            due: None,
        }
    }

    fn wants(&self) -> Vec<Wanted> {
        self.wishes()
    }

    fn when_unstarted(&self, run: RunId, reason: &str) -> Option<RunVerb> {
        Some(RunVerb::AgentFailed { agent_run: run, reason: reason.into() })
    }

    fn told(&self, world: &dyn World, of: Stream, event: &Event) -> Option<RunEvent> {
        self.told_of(world, of, event)
    }

    fn waits_for(&self) -> Vec<Stream> {
        self.awaited().map(Stream::Approval).collect()
    }
}

impl Stream {
    /// The run whose stream it is.
    pub fn run(self) -> Option<RunId> {
        let Self::Run(run) = self else { return None };
        Some(run)
    }
}
