//! Views of the log: what is live and recent, folded from events one at a time.
//!
//! Pure: no I/O, no clock, no randomness. The same events give the same snapshot and the same stored rows.

mod approval;
mod run;
mod snapshot;
mod spend;
mod thread;

pub use approval::Approval;
pub use run::CallStage;
pub use run::OpenCall;
pub use run::OpenTurn;
pub use run::Run;
pub use snapshot::Row;
pub use snapshot::RowKey;
pub use snapshot::RowKind;
pub use snapshot::Snapshot;
pub use spend::DaySpend;
pub use spend::ModelSpend;
pub use thread::CallEntry;
pub use thread::CallStatus;
pub use thread::Thread;
pub use thread::TimelineEntry;
pub use thread::TimelineItem;
pub use thread::TurnEntry;
pub use thread::TurnStatus;
