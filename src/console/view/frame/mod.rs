//! The whole screen as rows: header, page, sheet, toast, replay bar, footer. Decides nothing, paints nothing.

mod body;
mod crumb;
mod editor;
mod footer;
mod header;
mod help;
mod lock;
mod preview;
mod sheet;
mod small;

use std::ops::Range;

use body::Content;

use super::card::CardCache;
use super::queue::Sizes;
use super::run_page::RunPageCache;
use super::text::Row;
use crate::console::anchor::Anchor;
use crate::console::intent::Context;
use crate::console::keymap::Keymap;
use crate::console::role::Role;
use crate::console::state::{Laid, Offered, Painted, Screen, Sheet, State, Uptime};
use crate::domain::Timestamp;
use crate::fold::Snapshot;
use crate::ports::{Moment, Status};

/// Everything a screen is made of.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub snapshot: &'a Snapshot,
    pub state: &'a State,
    pub status: &'a Status,
    /// Where the replay is; `None` for a live source.
    pub replay: Option<&'a Moment>,
    pub keymap: &'a Keymap,
    /// Contexts whose keys work now.
    pub contexts: &'a [Context],
    pub now: Timestamp,
    pub uptime: Uptime,
}

/// A composed screen.
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

/// A page before it is cut to the screen.
struct Body<'a> {
    /// Stands above the page and does not scroll.
    heading: Vec<Row>,
    content: Content<'a>,
    offered: Option<Offered>,
    /// Set for cards: what is painted of them, with `shown` yet to be filled in.
    card: Option<Painted>,
}

impl<'a> Body<'a> {
    fn of(content: Content<'a>) -> Self {
        Self { heading: Vec::new(), content, offered: None, card: None }
    }
}

/// What was laid out before and has not changed since.
#[derive(Clone, Debug, Default)]
pub struct Caches {
    page: PageCaches,
    /// Of what stands beside a list, in another width.
    preview: PageCaches,
    sizes: Sizes,
}

#[derive(Clone, Debug, Default)]
struct PageCaches {
    card: CardCache,
    run: RunPageCache,
}

/// Composes the screen.
pub fn compose(scene: &Scene<'_>, caches: &mut Caches) -> Picture {
    let state = scene.state;
    let width = usize::from(state.size.width);
    let height = usize::from(state.size.height);
    if let Some(screen) = &state.lock.screen {
        return lock::compose(scene, screen, width, height);
    }
    if !state.size.is_enough() {
        return small::compose(scene, width, height);
    }
    let (mut rows, tabs) = header::rows(scene, width, height);
    let mut foot = Vec::new();
    let sheet = sheet::rows(scene, width, height);
    foot.extend(sheet.rows);
    foot.extend(footer::replay_bar(scene, width));
    foot.extend(footer::toast(scene, width));
    foot.push(footer::hints(scene, width));

    let body = match &state.sheet {
        Some(Sheet::Help(_)) => Body::of(Content::Rows(help::rows(scene, width))),
        _ => body::compose(scene, &mut caches.page, &mut caches.sizes, width),
    };
    rows.extend(body.heading);
    let room = height.saturating_sub(rows.len() + foot.len());
    let top = rows.len();
    let laid = body.content.laid(room);
    let pane = state.pane();
    let scroll = pane.first_row(&laid);
    let selected = pane.selected(&laid).filter(|_| body.card.is_none());
    let shown = scroll..(scroll + room).min(laid.rows);
    let painted = body.card.map(|painted| Painted { shown: shown.clone(), ..painted });
    let mut page = body.content.rows(&laid, shown);
    mark(&mut page, selected, &laid, scroll);
    page.resize(room, Row::new());
    if let Some(column) = state.list_width().filter(|_| !laid.stops.is_empty()) {
        page = preview::beside(page, scene, &mut caches.preview, selected, column);
    }
    rows.extend(page);
    let cursor = sheet.cursor.map(|(column, row)| (column, (top + room + row) as u16));
    rows.extend(foot);
    rows.truncate(height);
    Picture { rows, cursor, body: top..top + room, scroll, tabs, laid, offered: body.offered, painted }
}

/// Marks the first row of what the cursor rests on, where that row is on the screen.
fn mark(page: &mut [Row], selected: Option<Anchor>, laid: &Laid, scroll: usize) {
    let place = laid.stops.iter().find(|(stop, _)| Some(*stop) == selected);
    if let Some(row) = place.and_then(|(_, row)| row.checked_sub(scroll)).and_then(|place| page.get_mut(place)) {
        row.fill = Some(Role::Selected);
    }
}
