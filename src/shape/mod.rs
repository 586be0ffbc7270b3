//! What scripts see, be it on a command line or over HTTP: the objects, and how what they name is found.
//!
//! Field names are kept across releases. Nothing here performs I/O of its own: it asks the ports it is given.

mod access;
mod audit;
mod billing;
mod dry_run;
mod escape;
mod find;
mod finding;
mod list;
mod moment;
mod object;
mod oncall;
mod store;
mod subject;
mod survey;
mod thread;
mod usage;

pub use access::{AccountDetail, AccountShape, IssuedToken, RoleShape, TokenNotFound, TokenShape, TotpShape, token};
pub use audit::{Audited, audit};
pub use billing::{BillingShape, InvoiceHead, InvoiceLine, InvoiceShape, PlanShape, billing, runs_between, standing};
pub use dry_run::{DryRunCall, DryRunOutcome};
pub use escape::escaped;
pub use find::{NotOne, Prefer, find, find_thing, whole_ids};
pub use finding::{Finding, Health};
pub use list::{approvals, approvals_in, days, runs, things};
pub use moment::{NotPast, ago, moment, past};
pub use object::{ApprovalDetail, ApprovalShape, OfferDetail, RunDetail, RunShape, Verification};
pub use oncall::OnCallShape;
pub use store::{BackupFile, BackupShape, ErasedShape, Pruned, Rebuilt, RowCheck, StoreShape, Trial};
pub use subject::{ExportError, Sources, SubjectExport};
pub use survey::survey;
pub use thread::thread;
pub use usage::{OutcomeShape, Sums, UnusualDayShape, UsageAsked, UsageRow, UsageShape, UsageTotals, usage};
