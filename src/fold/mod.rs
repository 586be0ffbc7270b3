//! Views of the log: what is live and recent, folded from events one at a time.
//!
//! Pure: no I/O, no clock, no randomness. The same events give the same snapshot and the same stored rows.

mod snapshot;
mod thread;

pub use snapshot::Snapshot;
pub use thread::CallEntry;
pub use thread::CallStatus;
pub use thread::Thread;
pub use thread::TimelineEntry;
pub use thread::TimelineItem;
pub use thread::TurnEntry;
pub use thread::TurnStatus;
