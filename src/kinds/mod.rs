//! The kinds of things there are: one folder each with its events, its row and what follows from them, and one table
//! over all of them.
//!
//! Pure: no I/O, no clock, no randomness. Nothing outside the table lists the kinds.

mod account;
mod approval;
mod command;
mod decided;
mod envelope;
mod field;
mod kind;
mod report;
mod row;
mod run;
mod shown;
mod spend;
mod table;
#[cfg(test)]
mod toy;
mod verb;
mod world;

pub use account::{AccessEvent, Account};
pub use approval::{Approval, ApprovalEvent, ApprovalVerb};
pub use command::{Command, decide_verb};
pub use decided::Decided;
pub use envelope::{Envelope, ErasedEvent};
pub use field::{Field, Form, read_words};
pub use kind::{Index, Kept, Kind, KindEvent, Owner, Stamp, StreamId};
pub use report::{CallPreparation, PreparedCall, Report};
pub use row::Row;
pub use run::{CallStage, OpenCall, OpenTurn, Run, RunEvent, RunVerb, end_cancelled, find_live_run};
pub use shown::{Column, Fact, Look, Shown, Surface, Thing};
pub use spend::{DaySpend, ModelSpend};
pub use table::{Event, Listed, RowKey, RowKind, Rowed, Stream};
pub(crate) use table::{table_of_kinds, with_kinds};
#[cfg(test)]
pub use toy::Toy;
pub(crate) use verb::verbs;
pub use verb::{Declared, Verb, VerbDoc, Words};
pub use world::{Table, World};
