//! Notifiers: what people are reached by. Each turns a message into a request, purely; one sender sends them.
//!
//! A message may contain text from outside, which is made visible here, so that it can neither format, mention nor link
//! anything where it arrives. Nothing here decides who is notified, or when.

mod email;
mod hook;
mod message;
mod notifier;
mod pagerduty;
mod request;
mod secret;
mod send;
mod slack;
#[cfg(test)]
mod tests;
mod undelivered;

pub use email::{Email, EmailError, Privacy};
pub use hook::Webhook;
pub use message::{Decision, Message};
pub use notifier::Notifier;
pub use pagerduty::PagerDuty;
pub use secret::Secret;
pub use send::Sender;
pub use slack::{Slack, SlackWay};
pub use undelivered::{Again, Undelivered};
