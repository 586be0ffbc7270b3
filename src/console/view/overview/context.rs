//! What the overview is drawn from.

use crate::console::keymap::Keymap;
use crate::console::state::State;
use crate::domain::Timestamp;
use crate::fold::Snapshot;
use crate::ports::Status;

/// What the page is drawn from.
#[derive(Clone, Copy)]
pub struct OverviewContext<'a> {
    pub snapshot: &'a Snapshot,
    pub state: &'a State,
    pub status: &'a Status,
    pub keymap: &'a Keymap,
    pub now: Timestamp,
    pub width: usize,
    /// Whether a run can be started here: not in a replay, nor by who only looks.
    pub can_start: bool,
}
