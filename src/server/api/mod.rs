//! The routes' handlers: each command of the command line, for programs elsewhere.

pub(super) mod accounts;
pub(super) mod agents;
pub(super) mod approvals;
pub(super) mod audit;
pub(super) mod billing;
pub(super) mod doctor;
pub(super) mod document;
pub(super) mod hooks;
pub(super) mod log;
pub(super) mod oncall;
mod people;
pub(super) mod probes;
pub(super) mod runs;
pub(super) mod second_factor;
pub(super) mod session;
pub(super) mod slack;
pub(super) mod store;
pub(super) mod stripe;
pub(super) mod subjects;
pub(super) mod things;
pub(super) mod tokens;
pub(super) mod usage;

use super::problem::Problem;
use crate::shape::NotOne;

/// Candidates named when several fit.
const SHOWN: usize = 8;

/// Why not exactly one run or approval was meant.
fn not_one<T>(what: &str, not_one: NotOne<T>, id: impl Fn(&T) -> String) -> Problem {
    match not_one {
        NotOne::Nothing => Problem::not_found(format!("no {what} has that id"), format!("GET /v1/{what}s lists them")),
        NotOne::Several(found) => {
            let ids: Vec<_> = found.iter().take(SHOWN).map(id).collect();
            Problem::invalid(format!("{} {what}s begin with that", found.len()), format!("one of {}", ids.join(", ")))
        }
        NotOne::Unread(error) => error.into(),
    }
}
