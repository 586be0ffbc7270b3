//! What the page of a run is drawn from.

use std::collections::BTreeMap;

use crate::console::anchor::Folds;
use crate::console::keymap::Keymap;
use crate::console::state::Live;
use crate::domain::{ApprovalId, CallNo, Timestamp, Untrusted};
use crate::fold::Thread;
use crate::kinds::{Approval, Days, Run};

/// Where plan and budget stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanPlace {
    /// At the top of the page, and scroll with it.
    Above,
    /// Beside the page.
    Beside,
}

/// The run, what was decided in it, and what it says now.
#[derive(Clone, Copy)]
pub struct RunPageContext<'a> {
    pub run: &'a Run,
    /// `None` while the history is being read.
    pub thread: Option<&'a Thread>,
    pub approvals: &'a BTreeMap<ApprovalId, Approval>,
    pub live: Option<&'a Live>,
    pub folds: &'a Folds,
    pub keymap: &'a Keymap,
    pub now: Timestamp,
    pub width: usize,
    pub plan: PlanPlace,
    /// What runs like it cost.
    pub days: &'a Days,
}

impl<'a> RunPageContext<'a> {
    pub fn approval(&self, id: ApprovalId) -> Option<&'a Approval> {
        self.approvals.get(&id)
    }
}

/// Whether the model may still be talking, or this call printing.
pub fn live_output<'a>(context: &RunPageContext<'a>, call: CallNo) -> Option<&'a Untrusted> {
    context.live.and_then(|live| live.outputs.get(&call)).filter(|text| !text.is_empty())
}
