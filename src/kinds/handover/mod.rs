//! A handover: what is open at the end of a shift and what happened in it, written by one person and signed by the next.

mod event;
mod row;
mod shown;
mod verbs;
mod write;

use crate::domain::{Action, Actor, HandoverId, Rejection, RejectionKind, Timestamp};
use crate::kinds::{Decided, Index, Kept, Kind, Owned, Owner, Stamp, World};

pub use event::{HandoverEvent, HandoverItem, Section};
pub use row::Handover;
pub use verbs::HandoverVerb;

impl Kind for Handover {
    type Id = HandoverId;
    type Event = HandoverEvent;
}

impl Owned for Handover {
    fn owner<'a>(_: &'a HandoverEvent, _: &'a Actor) -> Owner<'a> {
        Owner::Tenant
    }
}

impl Kept for Handover {
    type Verb = HandoverVerb;

    const READING: Action = Action::ReadIncidents;

    fn decide(
        world: &dyn World,
        id: HandoverId,
        verb: HandoverVerb,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<Decided>, Rejection> {
        let event = match (verb, world.handovers().get(&id)) {
            (HandoverVerb::Lapse, Some(handover)) if handover.is_open() && handover.lapses_at() <= now => {
                HandoverEvent::Lapsed {}
            }
            (HandoverVerb::Lapse, _) => return Ok(Vec::new()),
            (HandoverVerb::Write { .. }, Some(_)) => return Ok(Vec::new()),
            (HandoverVerb::Write { note }, None) => write::written(world, note, now)?,
            (HandoverVerb::Sign, None) => {
                let message = format!("no handover has the id {id}");
                return Err(Rejection::new(RejectionKind::NotFound, message).hint("`morningai handovers` lists them"));
            }
            (HandoverVerb::Sign, Some(handover)) => {
                handover.check_signer(by)?;
                HandoverEvent::Signed {}
            }
        };
        Ok(vec![Decided::of::<Self>(id, by, event)])
    }

    fn begin(id: HandoverId, event: &HandoverEvent, stamp: &Stamp<'_>) -> Option<Self> {
        Self::written(id, event, stamp)
    }

    fn apply(&mut self, event: &HandoverEvent, stamp: &Stamp<'_>) {
        self.take_in(event, stamp);
    }

    fn id(&self) -> HandoverId {
        self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn index(&self) -> Index {
        let due = self.is_open().then_some(self.lapses_at());
        Index { is_open: self.is_open(), sort: self.written_at, state: self.state(), parent: None, due }
    }

    fn when_due(&self) -> Option<HandoverVerb> {
        Some(HandoverVerb::Lapse)
    }
}
