//! The vocabulary of the product: ids, money, text from outside, tools, effect cards, events, commands.
//!
//! Plain data with its stored form (serde). Nothing here performs I/O, reads the clock, draws random numbers
//! or decides anything; nothing here names another layer.

mod access;
mod actor;
mod approval;
mod arguments;
mod budgets;
mod card;
mod diff;
mod duration;
mod fault;
mod idempotency;
mod ids;
mod interpreters;
mod limits;
mod matching;
mod model;
mod money;
mod plan;
mod procedure;
mod qr;
mod quota;
mod rejection;
mod run;
mod secrets;
mod short_id;
mod spent;
mod step_part;
mod text;
mod time;
mod tool;
mod verdict;
mod written;

pub use access::{AccountName, Action, Means, RefusalCause, Role, Scopes};
pub use actor::{Actor, Tenant};
pub use approval::{ApprovalState, Ask, CallEdit, Settlement};
pub use arguments::OVERLONG;
pub use budgets::{
    BudgetAnswer, BudgetOffer, BudgetPeriod, BudgetScope, Budgets, ConfiguredBudget, OnceUsedUp, OverBudget,
};
pub use card::{CardDigest, EffectCard, Environment, Payload, Reversibility, Risk};
pub use diff::{DiffKind, DiffLine, changed_files, diff_lines};
pub use duration::{DURATION_FORM, parse_duration};
pub use fault::{Fault, Faults, Position, SourceText, nearest};
pub use idempotency::IdempotencyKey;
pub use ids::{
    AccountId, ApprovalId, BlobId, BudgetId, CallNo, HandoverId, IncidentId, MaintenanceId, PageId, RunId, StepNo,
    SubjectId, SubscriptionId, TokenId,
};
pub use interpreters::RUN_THEIR_ARGUMENTS;
pub use limits::{LimitKind, Limits};
pub use matching::Matching;
pub use model::{
    Carried, FinishReason, Message, ModelFailure, ModelFailureKind, ModelReply, OutputShape, RequestedCall, TaskClass,
    Usage,
};
pub use money::{Cents, Usd, usd_as_text};
pub use plan::{Plan, PlanStep, StepState};
pub use procedure::{Condition, OnFailure, Patience, ProcedureStep, StepCall, Verify};
pub use qr::QrLines;
pub use quota::Quota;
pub use rejection::{Rejection, RejectionKind};
pub use run::{FinishOutcome, PolicyText, PurposeOfTurn, RunSpec, RunState, RungChoice, Workspace};
pub use secrets::{Held, Part, Secrets};
pub use short_id::ShortId;
pub use spent::Spent;
pub use step_part::StepPart;
#[cfg(test)]
pub use text::tests as nasty_text;
pub use text::{CONTINUED, Untrusted, is_plain, printable};
pub use text::{visible_line, visible_words};
pub use time::Timestamp;
pub use tool::{EffectClass, FailureKind, Output, Repeat, ToolCall, ToolName, ToolResult, ToolSpec};
pub use verdict::{Authority, Verdict};
pub use written::{NotText, written_text};
