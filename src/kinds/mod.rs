//! The kinds of things there are: one folder each with its events, its row and what follows from them, and one table
//! over all of them.
//!
//! Pure: no I/O, no clock, no randomness. Nothing outside the table lists the kinds.

mod account;
mod approval;
mod command;
mod decided;
mod envelope;
mod kind;
mod report;
mod row;
mod run;
mod spend;
mod table;
mod verb;
mod world;

pub use account::AccessEvent;
pub use approval::{Approval, ApprovalEvent, ApprovalVerb};
pub use command::{Command, decide_verb};
pub use decided::Decided;
pub use envelope::{Envelope, ErasedEvent};
pub use kind::{Index, Kept, Kind, KindEvent, Owner, Stamp, StreamId};
pub use report::{CallPreparation, PreparedCall, Report};
pub use row::Row;
pub use run::{CallStage, OpenCall, OpenTurn, Run, RunEvent, RunVerb, end_cancelled, find_live_run};
pub use spend::{DaySpend, ModelSpend};
pub(crate) use table::with_kinds;
pub use table::{Event, Listed, RowKey, RowKind, Rowed, Stream};
pub use verb::{Verb, Words};
pub use world::{Table, World};
