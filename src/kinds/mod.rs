//! The kinds of things there are: one folder each with its events, its row and what follows from them, and one table
//! over all of them.
//!
//! Pure: no I/O, no clock, no randomness. Nothing outside the table lists the kinds.

mod account;
mod approval;
mod command;
mod decided;
mod envelope;
mod event;
mod kept;
mod kind;
mod owner;
mod report;
mod row;
mod row_key;
mod run;
mod spend;
mod stream;
mod table;
mod verb;
mod world;

pub use account::AccessEvent;
pub use approval::{Approval, ApprovalEvent, ApprovalVerb};
pub use command::{Command, decide_verb};
pub use decided::Decided;
pub use envelope::Envelope;
pub use event::{ErasedEvent, Event, Listed};
pub use kept::{Index, Kept, Stamp};
pub use kind::{Kind, KindEvent, StreamId};
pub use owner::{Owned, Owner};
pub use report::{CallPreparation, PreparedCall, Report};
pub use row::Row;
pub use row_key::{RowKey, RowKind, Rowed};
pub use run::{CallStage, OpenCall, OpenTurn, Run, RunEvent, RunVerb, end_cancelled, find_live_run};
pub use spend::{DaySpend, ModelSpend};
pub use stream::Stream;
pub(crate) use table::with_kinds;
pub use verb::{Verb, Words};
pub use world::{Table, World};
