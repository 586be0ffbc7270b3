//! A card laid out: what is drawn of it, and which of its rows must have been seen.

use std::ops::Range;

use super::{CardContext, change, context, edit, head, payload, rationale};
use crate::console::state::Extent;
use crate::console::view::text::Row;
use crate::domain::ApprovalId;

/// A card, ready to be scrolled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CardView<'a> {
    head: Vec<Row>,
    payload: &'a [Row],
    tail: Vec<Row>,
}

impl<'a> CardView<'a> {
    /// Rows that say what will run, and what leaves or changes with it. Approving is possible once every one of them
    /// has been on the screen.
    pub fn payload(&self) -> Range<usize> {
        self.head.len()..self.head.len() + self.payload.len()
    }

    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.head.iter().chain(self.payload).chain(&self.tail)
    }
}

/// The part of the last card that does not change with time, and may be long.
#[derive(Clone, Debug, Default)]
pub struct CardCache {
    key: Option<(ApprovalId, u64, usize)>,
    payload: Vec<Row>,
}

impl CardCache {
    /// Draws a card; what runs is laid out again only when the card or the width is another.
    pub fn view(&mut self, context: &CardContext<'_>) -> CardView<'_> {
        let key = Some((context.approval.id, context.approval.version, context.width));
        if self.key != key {
            self.payload = payload::rows(context.approval, context.width);
            edit::lay(context, &mut self.payload);
            change::lay(context, &mut self.payload);
            self.key = key;
        }
        let mut head = head::rows(context);
        head.push(Row::new());
        let mut tail = Vec::new();
        rationale(context, &mut tail);
        if context.extent == Extent::Everything {
            context::lay(context, &mut tail);
        }
        CardView { head, payload: &self.payload, tail }
    }
}
