//! A composed screen.

use std::ops::Range;

use crate::console::state::{Laid, Offered, Painted, Screen};
use crate::console::view::text::Row;

/// Its rows, and what stands where in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// As many as the screen has, none wider than it.
    pub rows: Vec<Row>,
    /// Column and row of the text cursor, where text is typed.
    pub cursor: Option<(u16, u16)>,
    /// Where the page stands among `rows`.
    pub body: Range<usize>,
    /// First row of the page that is shown.
    pub scroll: usize,
    /// Columns of the header's tabs.
    pub tabs: Vec<(Range<usize>, Screen)>,
    /// Where the page's rows are, for the pane that keys move in.
    pub laid: Laid,
    /// What the list on this screen could be sorted by and narrowed to; `None` where no list is.
    pub offered: Option<Offered>,
    /// The card that is on this screen, and how much of it.
    pub painted: Option<Painted>,
}
