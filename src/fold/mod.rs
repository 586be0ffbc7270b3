//! Views of the log: what is live and recent, folded from events one at a time.
//!
//! Pure: no I/O, no clock, no randomness. The same events give the same snapshot and the same stored rows.

mod snapshot;
mod thread;

pub use snapshot::Snapshot;
pub use thread::{CallEntry, CallStatus, Thread, TimelineEntry, TimelineItem, TurnEntry, TurnStatus};
