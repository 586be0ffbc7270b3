//! What is shown, as plain rows and roles: (snapshot, state, now) in, no ratatui out.

pub mod billing;
pub mod card;
pub mod chart;
pub mod diff;
#[cfg(test)]
pub(in crate::console) mod fixtures;
pub mod format;
pub mod frame;
pub mod highlight;
pub mod json;
pub mod list;
pub mod log_page;
pub mod markdown;
mod on_call;
pub mod overview;
pub mod queue;
pub mod run_list;
pub mod run_page;
pub mod text;
pub mod things;
pub mod usage;
pub mod words;
pub mod wrap;
pub mod zone;
