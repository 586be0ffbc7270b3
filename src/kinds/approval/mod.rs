//! A request to a person: an effect to approve, a question, or an outcome in doubt.

mod decide;
mod event;
mod row;
mod verbs;

use crate::domain::{Action, Actor, ApprovalId, BudgetId, Rejection, Timestamp};
use crate::kinds::{Decided, Index, Kept, Kind, Owned, Owner, Stamp, Stream, Surfaced, World};

pub use event::ApprovalEvent;
pub use row::Approval;
pub use verbs::ApprovalVerb;

impl Kind for Approval {
    type Id = ApprovalId;
    type Event = ApprovalEvent;
}

impl Owned for Approval {
    fn owner<'a>(first: &'a ApprovalEvent, _: &'a Actor) -> Owner<'a> {
        let ApprovalEvent::Requested { run, .. } = first else { return Owner::Tenant };
        Owner::Stream(Stream::Run(*run))
    }
}

impl Surfaced for Approval {}

impl Kept for Approval {
    type Verb = ApprovalVerb;

    const READING: Action = Action::ReadApprovals;

    fn decide(
        world: &dyn World,
        id: ApprovalId,
        verb: ApprovalVerb,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<Decided>, Rejection> {
        match verb {
            ApprovalVerb::Approve { digest } => decide::approve(world, id, &digest, by, now),
            ApprovalVerb::Deny { reason } => decide::deny(world, id, reason, by),
            ApprovalVerb::Edit { digest, args } => decide::edit(world, id, &digest, args, by, now),
            ApprovalVerb::Answer { text } => decide::answer(world, id, text, by),
            ApprovalVerb::Settle { settlement, note } => decide::settle(world, id, settlement, note, by),
            ApprovalVerb::Expire => decide::expire(world, id, now),
        }
    }

    fn begin(id: ApprovalId, event: &ApprovalEvent, stamp: &Stamp<'_>) -> Option<Self> {
        Self::requested(id, event, stamp.by, stamp.at)
    }

    fn apply(&mut self, event: &ApprovalEvent, stamp: &Stamp<'_>) {
        self.take_in(event, stamp.version, stamp.by, stamp.at);
    }

    fn id(&self) -> ApprovalId {
        self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn index(&self) -> Index {
        Index {
            is_open: self.state.is_open(),
            sort: self.requested_at,
            state: self.state.name(),
            parent: Some(Stream::Run(self.run)),
            due: self.expires_at.filter(|_| self.state.is_open()),
        }
    }

    fn when_due(&self) -> Option<ApprovalVerb> {
        Some(ApprovalVerb::Expire)
    }

    /// A budget that an answer can raise.
    fn waits_for(&self) -> Vec<Stream> {
        let offer = self.ask.budget().filter(|_| self.state.is_open());
        offer.map(|offer| Stream::Budget(BudgetId::of(&offer.scope, offer.period))).into_iter().collect()
    }
}
