//! The card that a person decides on: drawn from the action itself, never from the agent's words.
//!
//! First comes the verdict: what it is, how bad, and how long it can wait. Then the change itself, what a person changed
//! in it, and where and why; then exactly what will run. On a wide screen where and why stand beside the change. Then
//! come the agent's own words, labelled as such; then, when asked for, how it came to this and what was decided before.
//! Nothing here decides: it says which rows must have been seen before an approval counts.

mod change;
mod context;
mod edit;
mod payload;
mod verdict;
mod view;
mod why;

pub use view::{CardCache, CardView};

use super::markdown;
use super::markdown::Highlighting;
use super::text::Row;
use super::wrap::sentence;
use crate::console::keymap::Keymap;
use crate::console::role::Role;
use crate::console::state::{Extent, Loading, Outcome};
use crate::domain::{Ask, EffectCard, Timestamp, Untrusted};
use crate::fold::{Snapshot, Thread};
use crate::kinds::{Approval, Run};

/// What a card is drawn from.
#[derive(Clone, Copy)]
pub struct CardContext<'a> {
    pub approval: &'a Approval,
    pub snapshot: &'a Snapshot,
    pub keymap: &'a Keymap,
    pub now: Timestamp,
    pub width: usize,
    pub extent: Extent,
    /// What became of reading how it came to this card; `None` when nobody asked for it.
    pub evidence: Option<&'a Loading>,
    /// What came of it, where it was decided here.
    pub outcome: Option<&'a Outcome>,
}

impl<'a> CardContext<'a> {
    fn run(&self) -> Option<&'a Run> {
        self.snapshot.runs.get(&self.approval.run)
    }

    fn thread(&self) -> Option<&'a Thread> {
        self.snapshot.threads.get(&self.approval.run)
    }
}

/// `push origin/fix/parser`: an action in a few words, for lists and titles.
pub fn title(ask: &Ask) -> Row {
    match ask {
        Ask::Effect { card } | Ask::InDoubt { card, .. } => effect_title(card),
        Ask::Question { text, .. } => {
            let mut row = Row::of(Role::Strong, "asks ");
            row.push_untrusted(Role::Text, text);
            row
        }
    }
}

pub fn effect_title(card: &EffectCard) -> Row {
    let mut row = Row::of(Role::Strong, card.verb.as_str());
    row.push(Role::Text, " ");
    let named = if card.targets.len() == 2 { 2 } else { 1 };
    for (number, target) in card.targets.iter().take(named).enumerate() {
        if number > 0 {
            row.push(Role::Dim, " and ");
        }
        row.push_visible(Role::Text, &target.quoted());
    }
    if card.targets.len() > named {
        row.push(Role::Dim, format!(" and {} more", card.targets.len() - named));
    }
    row
}

fn rationale(context: &CardContext<'_>, rows: &mut Vec<Row>) {
    let approval = context.approval;
    if approval.rationale.is_empty() {
        return;
    }
    let name = Untrusted::from(approval.requested_by.name());
    rows.push(Row::new());
    let note = Row::of(Role::Warning, "its own words, not verified");
    rows.push(Row::section(format!("Why {} wants it", name.visible()), note, context.width));
    let lead = Row::of(Role::Agent, "┆ ");
    markdown::lay(&approval.rationale, Highlighting::Plain, &lead, context.width, rows);
}

/// Appends a sentence that stands back.
fn remark(text: &str, width: usize, rows: &mut Vec<Row>) {
    sentence(Role::Dim, text, width, rows);
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub use tests::asked;
