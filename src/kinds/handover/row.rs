//! One handover as it is now.

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::{HandoverEvent, HandoverItem};
use crate::domain::{Actor, HandoverId, Rejection, RejectionKind, Timestamp, Untrusted};
use crate::kinds::Stamp;

/// How long it waits for a signature.
const PATIENCE: TimeDelta = TimeDelta::hours(24);

/// A handover.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Handover {
    pub id: HandoverId,
    pub version: u64,
    #[schemars(with = "String")]
    pub written_by: Actor,
    pub written_at: Timestamp,
    /// It tells of what happened since then.
    pub since: Timestamp,
    pub note: Untrusted,
    pub items: Vec<HandoverItem>,
    #[schemars(with = "Option<String>")]
    pub signed_by: Option<Actor>,
    pub signed_at: Option<Timestamp>,
    /// When it was given up that somebody signs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lapsed_at: Option<Timestamp>,
}

impl Handover {
    pub(super) fn written(id: HandoverId, event: &HandoverEvent, stamp: &Stamp<'_>) -> Option<Self> {
        let HandoverEvent::Written { since, note, items } = event else { return None };
        Some(Self {
            id,
            version: stamp.version,
            written_by: stamp.by.clone(),
            written_at: stamp.at,
            since: *since,
            note: note.clone(),
            items: items.clone(),
            signed_by: None,
            signed_at: None,
            lapsed_at: None,
        })
    }

    pub(super) fn take_in(&mut self, event: &HandoverEvent, stamp: &Stamp<'_>) {
        self.version = stamp.version;
        match event {
            HandoverEvent::Written { .. } => {}
            HandoverEvent::Signed {} => {
                (self.signed_by, self.signed_at) = (Some(stamp.by.clone()), Some(stamp.at));
            }
            HandoverEvent::Lapsed {} => self.lapsed_at = Some(stamp.at),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.signed_at.is_none() && self.lapsed_at.is_none()
    }

    pub(super) fn state(&self) -> &'static str {
        match (self.signed_at, self.lapsed_at) {
            (Some(_), _) => "signed",
            (None, Some(_)) => "lapsed",
            (None, None) => "unsigned",
        }
    }

    /// When nobody is waited for any more.
    pub(super) fn lapses_at(&self) -> Timestamp {
        self.written_at + PATIENCE
    }

    /// The person who takes over signs it, once.
    pub(super) fn check_signer(&self, by: &Actor) -> Result<(), Rejection> {
        let settled = |message: String| Rejection::new(RejectionKind::AlreadySettled, message);
        if let Some(signed_by) = &self.signed_by {
            let name = Untrusted::from(signed_by.name());
            return Err(settled(format!("handover {} is already signed by {}", self.id.short(), name.visible())));
        }
        if self.lapsed_at.is_some() {
            return Err(settled(format!("handover {} has lapsed: nobody signed it for a day", self.id.short())));
        }
        if *by == self.written_by {
            return Err(Rejection::new(RejectionKind::Invalid, "you wrote this handover")
                .hint("the person who takes over signs it"));
        }
        Ok(())
    }
}
