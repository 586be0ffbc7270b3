//! Alerts from elsewhere, turned into commands about incidents: what sources say is read here, strictly and with limits.
//!
//! Reading is pure. Only `poll` asks a source itself, and submits what it says to a client.

mod alertmanager;
mod poll;
mod runbooks;

pub use alertmanager::{Grouping, LARGEST_BODY, Unreadable, read_webhook};
pub use poll::{BadAddress, Poller};
pub use runbooks::Runbooks;
