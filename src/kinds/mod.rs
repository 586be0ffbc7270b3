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
pub use approval::Approval;
pub use approval::ApprovalEvent;
pub use approval::ApprovalVerb;
pub use command::Command;
pub use command::decide_verb;
pub use decided::Decided;
pub use envelope::Envelope;
pub use envelope::ErasedEvent;
pub use kind::Index;
pub use kind::Kept;
pub use kind::Kind;
pub use kind::KindEvent;
pub use kind::Owner;
pub use kind::Stamp;
pub use kind::StreamId;
pub use report::CallPreparation;
pub use report::PreparedCall;
pub use report::Report;
pub use row::Row;
pub use run::CallStage;
pub use run::OpenCall;
pub use run::OpenTurn;
pub use run::Run;
pub use run::RunEvent;
pub use run::RunVerb;
pub use run::end_cancelled;
pub use run::find_live_run;
pub use spend::DaySpend;
pub use spend::ModelSpend;
pub use table::Event;
pub use table::Listed;
pub use table::RowKey;
pub use table::RowKind;
pub use table::Rowed;
pub use table::Stream;
pub(crate) use table::with_kinds;
pub use verb::Verb;
pub use verb::VerbDoc;
pub use verb::Words;
pub use world::Table;
pub use world::World;
