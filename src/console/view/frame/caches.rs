//! What was laid out before and has not changed since.

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
}

#[derive(Clone, Debug, Default)]
pub(super) struct PageCaches {
    pub(super) card: CardCache,
    pub(super) run: RunPageCache,
}
