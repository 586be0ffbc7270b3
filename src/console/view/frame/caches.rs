//! What was laid out before and has not changed since.

use super::beside::Beside;
use super::help::HelpCache;
use crate::console::view::card::CardCache;
use crate::console::view::queue::Sizes;
use crate::console::view::run_page::RunPageCache;

/// Of all pages.
#[derive(Clone, Debug, Default)]
pub struct Caches {
    pub(super) page: PageCaches,
    /// Of what stands beside a list, in another width.
    pub(super) preview: PageCaches,
    pub(super) sizes: Sizes,
    pub(super) beside: Beside,
    pub(super) help: HelpCache,
}

impl Caches {
    /// The frame that was composed last is on the screen.
    pub fn painted(&mut self) {
        self.beside.painted();
    }

    /// Whether the frame that was composed last leaves something for the next one.
    pub fn is_unfinished(&self) -> bool {
        self.beside.is_unfinished()
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct PageCaches {
    pub(super) card: CardCache,
    pub(super) run: RunPageCache,
}
