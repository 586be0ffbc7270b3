//! Pages people: derives which pages are due from incidents and requests that nobody has taken up, queues them, sends
//! what is queued, and tells notifiers how it went on.
//!
//! Deciding who is paged is pure (`due`). The task that does it is a client like any other: all it knows is in the log,
//! so several processes do it together, and one that starts anew goes on where another ended.

mod due;
mod plan;
mod task;
#[cfg(test)]
mod tests;
mod words;

pub use plan::{OnCall, Plan, Step, When};
pub use task::Pager;
pub use words::CardWords;
