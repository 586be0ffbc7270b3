//! Where one is: the screen, and what was opened over it.

use super::scene::Scene;
use crate::console::role::Role;
use crate::console::state::{Page, by_urgency};
use crate::console::view::text::Row;
use crate::console::view::{card, run_list, run_page};
use crate::kinds::Surface;

/// ` Runs › make the failing test pass › push origin/fix/parser  2 of 6`; nothing on a bare screen.
pub fn rows(scene: &Scene<'_>, width: usize) -> Vec<Row> {
    let state = scene.state;
    if state.pages.is_empty() {
        return Vec::new();
    }
    let names: Vec<_> = state.pages.iter().map(|page| name(scene, page)).collect();
    let place = place(scene);
    let mut row = Row::of(Role::Dim, format!(" {}", state.screen.title()));
    // What is open is told in full as far as there is room; what lies below it shares the rest.
    let last = names.last().map_or(0, Row::width) + place.width() + 2;
    let room = width.saturating_sub(row.width() + 3 * names.len() + last) / names.len().max(1);
    for (at, name) in names.iter().enumerate() {
        row.push(Role::Rule, " › ");
        let is_last = at + 1 == names.len();
        let room = if is_last { width.saturating_sub(row.width() + place.width() + 2) } else { room.max(12) };
        row.append(name.clone().cut_middle(room));
    }
    vec![Row::spread(row, place, width)]
}

fn name(scene: &Scene<'_>, page: &Page) -> Row {
    match page {
        Page::Run(open) => match scene.snapshot.runs.get(&open.run) {
            Some(run) => run_list::name(run, Role::Heading),
            None => Row::of(Role::Heading, format!("run {}", open.run.short())),
        },
        Page::Card(review) => match scene.snapshot.approvals.get(&review.approval) {
            Some(approval) => Row::of(Role::Heading, card::title(&approval.ask).text()),
            None => Row::of(Role::Heading, format!("request {}", review.approval.short())),
        },
        Page::Things(open) => Row::of(Role::Heading, Surface::of_kind(open.kind).map_or("", |surface| surface.plural)),
        Page::Document(open) => Row::of(Role::Heading, open.document.name),
        Page::Survey(open) => Row::of(Role::Heading, open.survey.name),
        Page::Thing(open) => Row::of(Role::Heading, format!("{} {}", open.stream.parts().0, open.stream.short())),
    }
}

/// `2 of 6`: which of the cards that wait this one is; of a run, its state and how long it has run.
fn place(scene: &Scene<'_>) -> Row {
    if let Some(Page::Run(open)) = scene.state.page() {
        let run = scene.snapshot.runs.get(&open.run);
        return run.map_or_else(Row::new, |run| run_page::pinned_state(run, scene.now));
    }
    let Some(review) = scene.state.review() else { return Row::new() };
    let waiting = by_urgency(scene.snapshot);
    match waiting.iter().position(|approval| approval.id == review.approval) {
        Some(place) => Row::of(Role::Waiting, format!("{} of {} ", place + 1, waiting.len())),
        None => Row::new(),
    }
}
