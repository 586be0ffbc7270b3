//! What follows from what is so without anybody asking: the runs that things want and nobody has started.

use crate::fold::Snapshot;
use crate::kinds::{Envelope, Wanted};

/// What the thing wants that `envelope` happened to, as it is now.
pub fn react(snapshot: &Snapshot, envelope: &Envelope) -> Vec<Wanted> {
    snapshot.wanted_by(envelope.stream)
}

/// What all that is open wants. Not only events are looked at: somebody who was to start a run may have ended before.
pub fn left_to_start(snapshot: &Snapshot) -> Vec<Wanted> {
    snapshot.wanted()
}
