//! What came of what was decided here: shown where it was decided, until the console is left.

use std::collections::BTreeMap;

use crate::domain::{ApprovalId, CallNo, FailureKind, RunId, ToolResult, Untrusted};

/// How far a call has come that somebody decided on.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Its effect has begun.
    Running,
    Settled {
        summary: Untrusted,
        failure: Option<FailureKind>,
    },
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcomes {
    awaited: BTreeMap<(RunId, CallNo), ApprovalId>,
    known: BTreeMap<ApprovalId, Outcome>,
}

impl Outcomes {
    /// Most decisions whose outcomes are kept; the oldest make room.
    const MOST: usize = 256;

    /// A decision on this call is on its way.
    pub fn await_call(&mut self, run: RunId, call: CallNo, approval: ApprovalId) {
        self.awaited.insert((run, call), approval);
        while self.awaited.len() > Self::MOST {
            self.awaited.pop_first();
        }
    }

    pub fn begun(&mut self, run: RunId, call: CallNo) {
        if let Some(approval) = self.awaited.get(&(run, call)) {
            self.known.insert(*approval, Outcome::Running);
        }
    }

    pub fn settled(&mut self, run: RunId, call: CallNo, result: &ToolResult) {
        if let Some(approval) = self.awaited.remove(&(run, call)) {
            let outcome = Outcome::Settled { summary: result.summary.clone(), failure: result.failure };
            self.known.insert(approval, outcome);
            while self.known.len() > Self::MOST {
                self.known.pop_first();
            }
        }
    }

    pub fn of(&self, approval: ApprovalId) -> Option<&Outcome> {
        self.known.get(&approval)
    }
}
