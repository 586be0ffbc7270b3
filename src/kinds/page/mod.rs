//! A page: one notification to one person by one notifier, from the moment it is due until what it is about is over.
//!
//! It is an outbox of its own: what is to be sent is in the log before anything is sent, its sender claims the
//! attempt by an event first, and an attempt whose outcome nobody reported is made again. So it arrives at least once,
//! always under the same key, by which the other side tells that it has it already.

mod decide;
mod event;
mod key;
mod row;
mod shown;
mod tidings;
mod verbs;

use crate::domain::{Action, Actor, PageId, Rejection, Timestamp};
use crate::kinds::{Decided, Index, Kept, Kind, Owned, Owner, Stamp, Stream, World};

pub use event::PageEvent;
pub use key::PageKey;
pub use row::{Page, PageState};
pub use tidings::{Follows, Tidings};
pub use verbs::{PageOrder, PageVerb};

impl Kind for Page {
    type Id = PageId;
    type Event = PageEvent;
}

impl Owned for Page {
    fn owner<'a>(first: &'a PageEvent, _: &'a Actor) -> Owner<'a> {
        match first {
            PageEvent::Queued { order } => order.key.run.map_or(Owner::Tenant, |run| Owner::Stream(Stream::Run(run))),
            PageEvent::Attempted { .. }
            | PageEvent::Delivered { .. }
            | PageEvent::Failed { .. }
            | PageEvent::GivenUp { .. }
            | PageEvent::Turned { .. }
            | PageEvent::Retried {}
            | PageEvent::Ended {} => Owner::Tenant,
        }
    }
}

impl Kept for Page {
    type Verb = PageVerb;

    const READING: Action = Action::ReadIncidents;

    fn decide(
        world: &dyn World,
        id: PageId,
        verb: PageVerb,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<Decided>, Rejection> {
        decide::decide(world, id, verb, now)
            .map(|events| events.into_iter().map(|event| Decided::of::<Self>(id, by, event)).collect())
    }

    fn begin(id: PageId, event: &PageEvent, stamp: &Stamp<'_>) -> Option<Self> {
        Self::queued(id, event, stamp)
    }

    fn apply(&mut self, event: &PageEvent, stamp: &Stamp<'_>) {
        self.take_in(event, stamp);
    }

    fn id(&self) -> PageId {
        self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn index(&self) -> Index {
        Index {
            is_open: self.ended_at.is_none(),
            sort: self.queued_at,
            state: self.state.name(),
            parent: Some(self.key.about),
            due: self.due,
        }
    }
}
