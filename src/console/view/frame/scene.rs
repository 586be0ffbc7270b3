//! Everything a screen is made of.

use crate::console::intent::Context;
use crate::console::keymap::Keymap;
use crate::console::state::{State, Uptime};
use crate::domain::{Actor, Timestamp};
use crate::fold::Snapshot;
use crate::ports::{Moment, Status};

/// What it shows, and what is pressed and known meanwhile.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub snapshot: &'a Snapshot,
    pub state: &'a State,
    pub status: &'a Status,
    /// Where the replay is; `None` for a live source.
    pub replay: Option<&'a Moment>,
    pub keymap: &'a Keymap,
    /// Who decides here.
    pub person: &'a Actor,
    /// Contexts whose keys work now.
    pub contexts: &'a [Context],
    pub now: Timestamp,
    pub uptime: Uptime,
}
