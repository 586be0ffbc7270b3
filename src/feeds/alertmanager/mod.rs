//! Prometheus' Alertmanager: what it sends to a webhook, and what its API answers.

mod api;
mod group;
mod unreadable;
mod webhook;

pub use group::Grouping;
pub use unreadable::Unreadable;
pub use webhook::read_webhook;

pub(super) use api::{commands, read_groups};

/// Bytes of the largest body that is taken.
pub const LARGEST_BODY: usize = 8 * 1024 * 1024;

/// Alerts taken of one body.
const MOST_ALERTS: usize = 20_000;
