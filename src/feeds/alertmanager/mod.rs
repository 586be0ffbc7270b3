//! Prometheus' Alertmanager: what it sends to a webhook, and what its API answers.

mod api;
mod webhook;

pub(super) use api::read_groups;
pub(super) use webhook::read_webhook;
