//! What the cursor of a list rests on, beside the list. It shows, and takes no keys: nothing in it counts as read.

use super::beside::{Beside, Place};
use super::body;
use super::caches::PageCaches;
use super::scene::Scene;
use crate::console::anchor::{Anchor, Folds};
use crate::console::role::Role;
use crate::console::state::{Extent, RunPage};
use crate::console::view::card::CardContext;
use crate::console::view::run_page;
use crate::console::view::text::Row;
use crate::domain::{ApprovalId, RunId};

/// Columns between a list and what stands beside it.
const GAP: usize = 3;

/// Puts what is selected beside the rows of the page, from `column` on.
pub fn beside(
    page: Vec<Row>,
    scene: &Scene<'_>,
    (caches, beside): (&mut PageCaches, &mut Beside),
    selected: Option<Anchor>,
    column: usize,
) -> Vec<Row> {
    let width = usize::from(scene.state.size.width).saturating_sub(column + GAP);
    let mut rows = match selected {
        Some(Anchor::Run(run)) => self::run(scene, caches, run, width, page.len()),
        Some(Anchor::Approval(approval)) => card(scene, caches, approval, width, page.len()),
        Some(Anchor::Thing(stream)) => body::thing(scene, stream, width).into_iter().take(page.len()).collect(),
        Some(Anchor::Plan | Anchor::Turn(_) | Anchor::Call(_) | Anchor::Entry(_) | Anchor::Event(_)) | None => {
            Vec::new()
        }
    };
    rows.resize(page.len(), Row::new());
    let place = Place { list: scene.state.place(), selected, width };
    join(page, column, beside.settle(place, rows))
}

/// The plan and budget of the open run, beside the rows of its history.
pub fn rail(page: Vec<Row>, scene: &Scene<'_>, open: &RunPage, column: usize) -> Vec<Row> {
    let Some(run) = scene.snapshot.runs.get(&open.run) else { return page };
    let width = usize::from(scene.state.size.width).saturating_sub(column + GAP);
    let rows = run_page::rail(&body::run_context(scene, run, &open.folds, width), page.len());
    join(page, column, rows)
}

fn join(page: Vec<Row>, column: usize, mut rows: Vec<Row>) -> Vec<Row> {
    rows.resize(page.len(), Row::new());
    let join = |(row, right): (Row, Row)| row.beside(column, Row::of(Role::Rule, " │ ").beside(GAP, right));
    page.into_iter().zip(rows).map(join).collect()
}

/// What a run is and, as far as there is room, the end of what it did.
fn run(scene: &Scene<'_>, caches: &mut PageCaches, run: RunId, width: usize, room: usize) -> Vec<Row> {
    let Some(run) = scene.snapshot.runs.get(&run) else { return Vec::new() };
    let folds = Folds::default();
    let context = body::run_context(scene, run, &folds, width);
    caches.run.update(&context);
    let mut rows = run_page::glance(&context);
    rows.extend(caches.run.end(room.saturating_sub(rows.len())));
    rows
}

/// The top of a card.
fn card(scene: &Scene<'_>, caches: &mut PageCaches, approval: ApprovalId, width: usize, room: usize) -> Vec<Row> {
    let Some(approval) = scene.snapshot.approvals.get(&approval) else { return Vec::new() };
    let Scene { snapshot, keymap, now, .. } = *scene;
    let outcome = scene.state.outcomes.of(approval.id);
    let extent = Extent::Card;
    let context = CardContext { approval, snapshot, keymap, now, width, extent, evidence: None, outcome };
    caches.card.view(&context).rows(0..room)
}
