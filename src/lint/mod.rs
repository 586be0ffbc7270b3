//! Finds alerting rules that cannot fire, or mean something else than they say: by reading them, and by asking a
//! Prometheus. One table names the checks, which are a function each. Nothing here changes a rule.
//!
//! A check speaks only of what reading proves, or what the conventions for names make nearly certain: a good rule that is
//! complained about costs more than a bad one that is missed.

mod ask;
mod ast;
mod bounds;
mod checks;
#[cfg(test)]
mod corpus;
mod finding;
mod labels;
mod parsed;
mod read;
mod rule_file;
mod yaml;

pub use ask::ask;
pub use checks::{CHECKS, Check};
pub use finding::Finding;
pub use read::{Files, LARGEST_FILE};
