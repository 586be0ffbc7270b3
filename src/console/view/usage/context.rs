//! What the page of usage is drawn from.

use crate::console::keymap::Keymap;
use crate::console::state::{Size, Within};
use crate::domain::Timestamp;
use crate::fold::Snapshot;
use crate::kinds::UsageBy;

pub struct UsageContext<'a> {
    pub snapshot: &'a Snapshot,
    pub by: UsageBy,
    pub within: Option<&'a Within>,
    pub keymap: &'a Keymap,
    pub now: Timestamp,
    pub size: Size,
}

impl UsageContext<'_> {
    pub(super) fn width(&self) -> usize {
        usize::from(self.size.width)
    }
}
