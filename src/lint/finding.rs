//! What is wrong with a rule, where, and what to write instead.

use serde::Serialize;

use super::rule_file::Rule;
use crate::domain::Position;

/// One thing that is wrong with one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub group: String,
    pub alert: String,
    /// The name of the check.
    pub check: &'static str,
    pub message: String,
    pub advice: String,
}

impl Finding {
    /// What findings are sorted by.
    pub(super) fn place(&self) -> (&str, usize, usize, &str) {
        (&self.file, self.line, self.column, self.check)
    }
}

/// The same before it is known of which file it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub at: Position,
    pub message: String,
    pub advice: String,
}

impl Remark {
    pub fn new(at: Position, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { at, message: message.into(), advice: advice.into() }
    }

    /// About the expression of a rule.
    pub fn on_expr(rule: &Rule, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(rule.expr.at, message, advice)
    }
}
