//! Which runbook is for which alerts.

use std::fmt;
use std::sync::Arc;

use crate::kinds::Labels;

type Find = dyn Fn(&Labels) -> Option<String> + Send + Sync;

/// Finds the runbook for some labels.
#[derive(Clone)]
pub struct Runbooks(Arc<Find>);

impl Runbooks {
    pub fn new(find: impl Fn(&Labels) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }

    /// The name of the one that matches best.
    pub fn of(&self, labels: &Labels) -> Option<String> {
        (self.0)(labels)
    }
}

impl Default for Runbooks {
    /// None matches anything.
    fn default() -> Self {
        Self::new(|_| None)
    }
}

impl fmt::Debug for Runbooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Runbooks(…)")
    }
}
