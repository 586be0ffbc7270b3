//! Verdicts on effects: run, ask or refuse, by Cedar policies checked against a schema.
//!
//! Pure: policy texts come in as arguments, and the same card always gets the same verdict. Nothing here reads a
//! file, asks a person or remembers a decision. What cannot be judged is refused.

mod annotations;
mod judge;
mod load;
mod request;
mod rule;
mod vocabulary;

pub use load::{Policy, PolicyFile};
pub use rule::{Effect, Rule};

/// Rule of a refusal because nothing permits the effect.
pub const DEFAULT_RULE: &str = "default";

/// Rule of a refusal because the effect, as stated, cannot be judged.
pub const ERROR_RULE: &str = "cannot-be-judged";

/// The default policies, as shipped.
pub const DEFAULT_POLICIES: &str = include_str!("../../assets/policy/default.cedar");

/// The schema that every policy is checked against, in Cedar's own notation.
pub const SCHEMA: &str = include_str!("../../assets/policy/schema.cedarschema");
