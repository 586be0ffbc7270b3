//! The traits between the core and the world: log, accounts, model, tool, policy, clock, client.
//!
//! Nothing here performs I/O; every implementation lives in an adapter.

mod accounts;
mod chart;
mod client;
mod client_error;
mod clock;
mod feed;
mod history;
mod judge;
mod link_order;
mod log;
mod model;
mod order;
mod outputs;
mod payments;
mod pruning;
mod query;
mod roster;
mod rows;
mod starter;
mod subjects;
mod survey;
mod tool;
mod unlock;

pub use accounts::{
    AccessChange, AccessRecord, AccessWrite, Account, AccountRows, AccountSecrets, Accounts, SecretHash, Session,
    Standing, Token, TotpSecret, Used,
};
pub use chart::{Chart, Charts};
pub use client::{Client, Feed, Link, Moment, Observe, Status, Transport};
pub use client_error::ClientError;
pub use clock::{Clock, SystemClock};
pub use feed::{Delta, DeltaKind, FeedItem};
pub use history::history;
pub use judge::Judge;
pub use link_order::{LinkOrder, Yearly};
pub use log::{Answered, Batch, Fence, Head, Lease, Log, LogError, LogErrorKind, NewEvent, VerifyReport};
pub use model::{DeltaSink, Model, ModelRequest};
pub use order::{Offer, OfferKind, Order, Sought, Uncommitted, Work};
pub use outputs::{StoredOutput, StoredOutputs};
pub use payments::{
    CatalogLine, IssuedInvoice, Noticed, PaymentError, PaymentErrorKind, Payments, SyncOutcome, Syncing,
};
pub use pruning::{Prunable, Pruning};
pub use query::{Answer, Page, Query};
pub use roster::{Roster, Turn};
pub use rows::{RowFilter, RowPlace, RowQuery};
pub use starter::Starter;
pub use subjects::{EncryptionState, EraseError, Erased, Erasure, SubjectKeys, Subjects};
pub use survey::read_survey;
pub use tool::{Caller, Checked, Invocation, OutputSink, Prepared, Tool, ToolContext};
pub use unlock::{Unlock, Unlocking};
