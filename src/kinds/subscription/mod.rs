//! What a tenant is subscribed to at its payment provider, as the provider said when it was last read.
//!
//! A log has one at most. Nobody here decides what is subscribed to: the provider is asked, and what it says is kept
//! where it differs from what is known. What is to be paid for runs is an outbox: the amount is in the log before it is
//! reported, and an attempt whose outcome nobody noted is made again under the same identifier.

mod decide;
mod event;
mod meter;
mod row;
mod shown;
mod subscribed;
mod verbs;

use crate::domain::{Action, Actor, Rejection, SubscriptionId, Timestamp};
use crate::kinds::{Decided, Index, Kept, Kind, Owned, Owner, Stamp, World};

pub use event::SubscriptionEvent;
pub use meter::MeterPush;
pub use row::{PlanTerm, Subscription};
pub use subscribed::{LastInvoice, Subscribed, SubscriptionState};
pub use verbs::SubscriptionVerb;

impl Kind for Subscription {
    type Id = SubscriptionId;
    type Event = SubscriptionEvent;
}

impl Owned for Subscription {
    fn owner<'a>(_: &'a SubscriptionEvent, _: &'a Actor) -> Owner<'a> {
        Owner::Tenant
    }
}

impl Kept for Subscription {
    type Verb = SubscriptionVerb;

    const READING: Action = Action::ReadRuns;

    fn decide(
        world: &dyn World,
        id: SubscriptionId,
        verb: SubscriptionVerb,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<Decided>, Rejection> {
        decide::decide(world.subscriptions().get(&id), verb, now)
            .map(|events| events.into_iter().map(|event| Decided::of::<Self>(id, by, event)).collect())
    }

    fn begin(id: SubscriptionId, event: &SubscriptionEvent, stamp: &Stamp<'_>) -> Option<Self> {
        Self::begun(id, event, stamp)
    }

    fn apply(&mut self, event: &SubscriptionEvent, stamp: &Stamp<'_>) {
        self.take_in(event, stamp);
    }

    fn id(&self) -> SubscriptionId {
        self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    /// It stays open, so that it is always at hand for what depends on it.
    fn index(&self) -> Index {
        Index { is_open: true, sort: self.begun_at, state: self.now.state.name(), parent: None, due: None }
    }
}
