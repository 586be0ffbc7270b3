//! A maintenance window: alerts with certain labels are expected for a time, and hold nobody up.
//!
//! Those of the configuration are planned here by the process that has it, under an id that follows from the window and
//! its time; those of people are begun and ended by hand. Only what began in the log holds incidents back.

mod decide;
mod event;
mod order;
mod row;
mod shown;
mod verbs;

use crate::domain::{Action, Actor, MaintenanceId, Rejection, Timestamp};
use crate::kinds::{Decided, Index, Kept, Kind, Owned, Owner, Stamp, World};

pub use event::MaintenanceEvent;
pub use order::MaintenanceOrder;
pub use row::Maintenance;
pub use verbs::MaintenanceVerb;

impl Kind for Maintenance {
    type Id = MaintenanceId;
    type Event = MaintenanceEvent;
}

impl Owned for Maintenance {
    fn owner<'a>(_: &'a MaintenanceEvent, _: &'a Actor) -> Owner<'a> {
        Owner::Tenant
    }
}

impl Kept for Maintenance {
    type Verb = MaintenanceVerb;

    const READING: Action = Action::ReadIncidents;

    fn decide(
        world: &dyn World,
        id: MaintenanceId,
        verb: MaintenanceVerb,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<Decided>, Rejection> {
        decide::decide(world, id, verb, by, now)
    }

    fn begin(id: MaintenanceId, event: &MaintenanceEvent, stamp: &Stamp<'_>) -> Option<Self> {
        Self::planned(id, event, stamp)
    }

    fn apply(&mut self, event: &MaintenanceEvent, stamp: &Stamp<'_>) {
        self.take_in(event, stamp);
    }

    fn id(&self) -> MaintenanceId {
        self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn index(&self) -> Index {
        let (is_open, state) = (self.ended_at.is_none(), self.state());
        Index { is_open, sort: self.order.from, state, parent: None, due: self.due() }
    }

    fn when_due(&self) -> Option<MaintenanceVerb> {
        Some(MaintenanceVerb::Pass)
    }
}
