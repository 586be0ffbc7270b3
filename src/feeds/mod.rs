//! Alerts from elsewhere, turned into commands about incidents: what sources say is read here, strictly and with limits.
//!
//! Reading is pure. Only `poll` asks a source itself, and submits what it says to a client.

mod alertmanager;
mod fields;
mod github;
mod group;
mod heard;
mod json;
mod mapping;
mod pagerduty;
mod poll;
mod proof;
mod runbooks;
mod sentry;
mod source;
mod unreadable;

pub use group::{Grouping, LARGEST_BODY};
pub use heard::Heard;
pub use mapping::Mapping;
pub use poll::{BadAddress, Poller};
pub use proof::{Claim, Keys, Proof, Unproven};
pub use runbooks::Runbooks;
pub use source::{SOURCES, Source};
pub use unreadable::Unreadable;
