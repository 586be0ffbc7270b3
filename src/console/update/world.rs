//! What a key or a wake-up is judged against.

use crate::console::state::{Offers, Uptime};
use crate::domain::Timestamp;
use crate::fold::Snapshot;
use crate::ports::{Moment, Status};

/// All there is to know besides the state of the console.
#[derive(Clone, Copy)]
pub struct World<'a> {
    pub snapshot: &'a Snapshot,
    pub status: &'a Status,
    pub offers: &'a Offers,
    /// Where the replay is; `None` for a live source.
    pub replay: Option<&'a Moment>,
    pub uptime: Uptime,
    /// The time of what is shown: in a replay, that of the recording.
    pub now: Timestamp,
}

/// When a key arrived, and when the one before it did.
#[derive(Clone, Copy, Debug)]
pub struct Pressed {
    pub at: Uptime,
    pub before: Option<Uptime>,
}
