//! The usage screen: by what its table tells apart what was spent.

use super::pane::Pane;
use crate::kinds::UsageBy;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct UsagePane {
    pub pane: Pane,
    pub by: UsageBy,
}

impl UsagePane {
    /// Shows the next table; after the last, the first. Days stand above it as bars.
    pub fn turn(&mut self) {
        self.by = match self.by {
            UsageBy::Agent => UsageBy::Model,
            UsageBy::Model => UsageBy::Person,
            UsageBy::Person => UsageBy::Run,
            UsageBy::Run | UsageBy::Day => UsageBy::Agent,
        };
        self.pane = Pane::default();
    }
}
