//! A card as rows: its parts one below the other or, where there is room, where and why beside the change.

use std::ops::Range;

use super::{CardContext, change, context, edit, payload, rationale, verdict, why};
use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::console::state::Extent;
use crate::console::view::text::Row;
use crate::domain::ApprovalId;

/// From this width on, where and why stand beside the change.
const WIDE: usize = 120;
/// Columns between the two.
const GAP: usize = 3;

/// The parts of the last card that do not change with time, and may be long.
#[derive(Clone, Debug, Default)]
pub struct CardCache {
    key: Option<(ApprovalId, u64, usize)>,
    change: Vec<Row>,
    exact: Vec<Row>,
}

/// A card, ready to be scrolled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CardView<'a> {
    head: Vec<Row>,
    /// What leaves or changes; where nothing else says that, what will run.
    change: &'a [Row],
    /// Where and why.
    why: Vec<Row>,
    /// What will run, where the change is told apart from it.
    exact: &'a [Row],
    /// Below what stands beside the change.
    aside: Vec<Row>,
    tail: Vec<Row>,
    /// Columns of the change where the rest stands beside it.
    column: Option<usize>,
}

impl CardCache {
    /// Draws a card; what runs is laid out again only when the card or the width is another.
    pub fn view(&mut self, context: &CardContext<'_>) -> CardView<'_> {
        let column = (context.width >= WIDE).then(|| context.width - GAP - beside(context.width));
        let left = CardContext { width: column.unwrap_or(context.width), ..*context };
        let right = CardContext { width: column.map_or(context.width, |_| beside(context.width)), ..*context };
        let key = Some((context.approval.id, context.approval.version, context.width));
        if self.key != key {
            (self.change, self.exact) = parts(&left, &right);
            self.key = key;
        }
        let mut head = verdict::rows(context);
        head.push(Row::new());
        let mut why = why::rows(&right);
        let mut words = Vec::new();
        rationale(&right, &mut words);
        let mut tail = Vec::new();
        if context.extent == Extent::Everything {
            context::lay(context, &mut tail);
        }
        let aside = match column {
            Some(_) => words,
            None => {
                why.insert(0, Row::new());
                tail.splice(0..0, words);
                Vec::new()
            }
        };
        if !self.exact.is_empty() {
            why.push(Row::new());
        }
        CardView { head, change: &self.change, why, exact: &self.exact, aside, tail, column }
    }
}

/// Columns of what stands beside the change.
fn beside(width: usize) -> usize {
    (width * 2 / 5).clamp(48, 76)
}

/// What leaves or changes, and what will run.
fn parts(left: &CardContext<'_>, right: &CardContext<'_>) -> (Vec<Row>, Vec<Row>) {
    let (mut change, mut exact) = (Vec::new(), Vec::new());
    edit::lay(left, &mut change);
    change::lay(left, &mut change);
    if left.approval.ask.card().is_some_and(|card| card.change.is_some()) {
        exact = payload::rows(right.approval, right.width);
    } else {
        change.extend(payload::rows(left.approval, left.width));
    }
    (change, exact)
}

impl CardView<'_> {
    /// Rows that say what will run, and what leaves or changes with it, with what stands between them. Approving is
    /// possible once every one of them has been on the screen.
    pub fn payload(&self) -> Range<usize> {
        let told = match (self.exact.len(), self.column) {
            (0, _) => self.change.len(),
            (exact, None) => self.change.len() + self.why.len() + exact,
            (exact, Some(_)) => self.change.len().max(self.why.len() + exact),
        };
        self.head.len()..self.head.len() + told
    }

    pub fn height(&self) -> usize {
        self.head.len() + self.body() + self.tail.len()
    }

    /// Rows of the change and of what stands below or beside it.
    fn body(&self) -> usize {
        let rest = self.why.len() + self.exact.len() + self.aside.len();
        match self.column {
            Some(_) => self.change.len().max(rest),
            None => self.change.len() + rest,
        }
    }

    /// Each anchor with its row. Only what was decided before has any.
    pub fn stops(&self) -> Vec<(Anchor, usize)> {
        let first = self.head.len() + self.body();
        self.tail.iter().enumerate().filter_map(|(at, row)| Some((row.anchor?, first + at))).collect()
    }

    pub fn rows(&self, range: Range<usize>) -> Vec<Row> {
        range.filter_map(|at| self.row(at)).collect()
    }

    pub fn all(&self) -> Vec<Row> {
        self.rows(0..self.height())
    }

    fn row(&self, at: usize) -> Option<Row> {
        if let Some(row) = self.head.get(at) {
            return Some(row.clone());
        }
        let at = at - self.head.len();
        let Some(below) = at.checked_sub(self.body()) else { return self.row_of_body(at) };
        self.tail.get(below).cloned()
    }

    fn row_of_body(&self, at: usize) -> Option<Row> {
        let rest = |at: usize| {
            let exact = at.checked_sub(self.why.len());
            let aside = exact.and_then(|at| at.checked_sub(self.exact.len()));
            let why = self.why.get(at).or_else(|| self.exact.get(exact?));
            why.or_else(|| self.aside.get(aside?)).cloned()
        };
        let Some(column) = self.column else {
            return self.change.get(at).cloned().or_else(|| rest(at.checked_sub(self.change.len())?));
        };
        let right = Row::of(Role::Rule, " │ ").beside(GAP, rest(at).unwrap_or_default());
        Some(self.change.get(at).cloned().unwrap_or_default().beside(column, right))
    }
}
