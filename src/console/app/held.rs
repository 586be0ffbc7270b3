//! A key that waits to be known for one that a person pressed.

use std::time::Duration;

use crate::console::intent::Intent;
use crate::console::state::Uptime;
use crate::console::update::Pressed;

/// How long no other key may follow one that decides: less than two keys of a person are apart, more than two bytes
/// of a paste.
const ALONE: Duration = Duration::from_millis(30);

/// A key that decides, held until it is known that no other came with it.
pub(super) struct Held {
    pub(super) intent: Intent,
    pub(super) pressed: Pressed,
}

impl Held {
    pub(super) fn due(&self) -> Uptime {
        self.pressed.at + ALONE
    }
}
