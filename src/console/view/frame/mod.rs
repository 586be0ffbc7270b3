//! The whole screen as rows: header, page, sheet, toast, replay bar, footer. Decides nothing, paints nothing.

mod beside;
mod body;
mod caches;
mod crumb;
mod editor;
mod footer;
mod header;
mod help;
mod lock;
mod picture;
mod preview;
mod replay_bar;
mod scene;
mod sheet;
mod small;

pub use caches::Caches;
pub use picture::Picture;
pub use scene::Scene;

use body::{Body, Content};

use super::text::Row;
use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::console::state::{Laid, Page, Painted, Sheet};

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
    foot.extend(replay_bar::row(scene, width));
    foot.extend(footer::toast(scene, width));
    foot.truncate(height / 2);
    foot.push(footer::hints(scene, width));

    let body = match &state.sheet {
        Some(Sheet::Help(_)) => Body::of(Content::Kept(caches.help.rows(scene, width))),
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
        page = preview::beside(page, scene, (&mut caches.preview, &mut caches.beside), selected, column);
    }
    if let (Some(column), Some(Page::Run(open))) = (state.history_width(), state.page()) {
        page = preview::rail(page, scene, open, column);
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
