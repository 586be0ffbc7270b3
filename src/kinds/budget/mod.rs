//! A budget that people set while runs are under way: what all runs, those of an agent, or those that a person started
//! may cost in a day or a month.
//!
//! There is one for each scope and period, under an id that follows from them. It holds at once and for every run, before
//! what the configuration says; once it is removed, the configuration holds again.

mod decide;
mod event;
mod in_force;
mod row;
mod shown;
mod verbs;

use crate::domain::{Action, Actor, BudgetId, BudgetScope, Rejection, Timestamp};
use crate::kinds::{Decided, Index, Kept, Kind, Owned, Owner, Stamp, World};

pub use decide::raise;
pub use event::BudgetEvent;
pub use in_force::{BudgetSource, InForce};
pub use row::Budget;
pub use verbs::BudgetVerb;

impl Kind for Budget {
    type Id = BudgetId;
    type Event = BudgetEvent;
}

impl Owned for Budget {
    /// A person's budget names them.
    fn owner<'a>(first: &'a BudgetEvent, _: &'a Actor) -> Owner<'a> {
        match first {
            BudgetEvent::Set { scope: BudgetScope::Person(name), .. } => Owner::Person(name),
            BudgetEvent::Set { scope: BudgetScope::All | BudgetScope::Agent(_), .. } | BudgetEvent::Removed {} => {
                Owner::Tenant
            }
        }
    }
}

impl Kept for Budget {
    type Verb = BudgetVerb;

    const READING: Action = Action::ReadRuns;

    fn decide(
        world: &dyn World,
        id: BudgetId,
        verb: BudgetVerb,
        by: &Actor,
        _: Timestamp,
    ) -> Result<Vec<Decided>, Rejection> {
        decide::decide(world, id, verb, by)
    }

    /// Setting it again begins it again.
    fn begin(id: BudgetId, event: &BudgetEvent, stamp: &Stamp<'_>) -> Option<Self> {
        Self::set(id, event, stamp)
    }

    fn apply(&mut self, event: &BudgetEvent, stamp: &Stamp<'_>) {
        self.take_in(event, stamp);
    }

    fn id(&self) -> BudgetId {
        self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn index(&self) -> Index {
        Index { is_open: self.is_set(), sort: self.set_at, state: self.state(), parent: None, due: None }
    }
}
