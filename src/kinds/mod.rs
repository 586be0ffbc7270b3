//! The kinds of things there are: one folder each with its events, its row and what follows from them, and one table
//! over all of them.
//!
//! Pure: no I/O, no clock, no randomness. Nothing outside the table lists the kinds.

mod account;
mod approval;
mod command;
mod decided;
mod document;
mod envelope;
mod event;
mod field;
mod handover;
mod incident;
mod kept;
mod kind;
mod look;
mod maintenance;
mod owner;
mod page;
mod report;
mod row;
mod row_key;
mod run;
mod shown;
mod spend;
mod stream;
mod subscription;
mod survey;
mod table;
#[cfg(test)]
mod toy;
mod verb;
mod wanted;
mod world;

pub use account::{AccessEvent, Account};
pub use approval::{Approval, ApprovalEvent, ApprovalVerb};
pub use command::{Command, Commanded, decide_verb};
pub use decided::Decided;
pub use document::{Document, History};
pub use envelope::Envelope;
pub use event::{ErasedEvent, Event, Listed};
pub use field::{Field, Form, complete_ids, read_words};
pub use handover::{Handover, HandoverEvent, HandoverItem, HandoverVerb, Section};
use incident::with_holds;
pub use incident::{
    Alert, AlertState, Claim, GroupKey, Hold, Incident, IncidentEvent, IncidentReport, IncidentState, IncidentVerb,
    Labels, LinkedRun, Marks, Severity, Side, Sight, Silence,
};
pub use kept::{Index, Kept, Stamp};
pub use kind::{Kind, KindEvent, StreamId};
pub use look::Look;
pub use maintenance::{Maintenance, MaintenanceEvent, MaintenanceOrder, MaintenanceVerb};
pub use owner::{Owned, Owner};
pub use page::{Follows, Page, PageEvent, PageKey, PageOrder, PageState, PageVerb, Tidings};
pub use report::{CallPreparation, PreparedCall, Report};
pub use row::Row;
pub use row_key::{RowKey, RowKind, Rowed};
pub use run::{
    BudgetRaises, CallStage, DelegateEnd, OpenCall, OpenTurn, Run, RunEvent, RunVerb, end_cancelled, find_live_run,
    find_run,
};
pub use shown::{Column, Fact, Shown, Surface, Surfaced, Takes, Thing};
pub use spend::{
    BudgetGauge, DaySpend, Days, EndedRuns, Forecast, Outcome, Period, Spending, StarterSpending, ToFinish, UnusualDay,
    UsageBy, UsageLine, first_called,
};
pub use stream::Stream;
pub use subscription::{
    LastInvoice, MeterPush, PlanTerm, Subscribed, Subscription, SubscriptionEvent, SubscriptionState, SubscriptionVerb,
};
pub use survey::{Survey, SurveyLine};
pub(crate) use table::{table_of_kinds, with_kinds};
#[cfg(test)]
pub use toy::{Toy, ToyEvent, ToyId, ToyVerb};
pub(crate) use verb::verbs;
pub use verb::{Declared, Verb, VerbDoc, Words};
pub use wanted::{Brief, Handler, Wanted};
pub use world::{Table, World};
