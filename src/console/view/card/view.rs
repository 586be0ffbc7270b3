//! A card as rows: its parts one below the other; where there is room, where and why beside the change; where there is
//! more, the change across the screen, the old text beside the new one.

use std::ops::Range;

use super::change::Form;
use super::{CardContext, change, context, edit, payload, rationale, verdict, why};
use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::console::state::Extent;
use crate::console::view::text::Row;
use crate::domain::ApprovalId;

/// From this width on, where and why stand beside the change.
const WIDE: usize = 120;
/// From this width on, a change that leaves takes the whole width, the old text beside the new one.
const WIDER: usize = 160;
/// Columns between the two.
const GAP: usize = 3;

/// Where the parts of a card stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Layout {
    /// One below the other.
    #[default]
    Stacked,
    /// From this column on, where and why and what will run stand beside the change.
    Beside(usize),
    /// Below the change stands what will run and, from this column on, where and why beside that.
    Across(usize),
}

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
    /// Below where and why, where these stand beside something.
    aside: Vec<Row>,
    tail: Vec<Row>,
    layout: Layout,
}

impl Layout {
    fn of(context: &CardContext<'_>) -> Self {
        let leaves = context.approval.ask.card().is_some_and(|card| card.change.is_some());
        let column = || context.width - GAP - beside(context.width);
        match context.width {
            ..WIDE => Self::Stacked,
            WIDER.. if leaves => Self::Across(column()),
            _ => Self::Beside(column()),
        }
    }

    /// Columns of the change, of what will run, and of where and why.
    fn widths(self, width: usize) -> [usize; 3] {
        match self {
            Self::Stacked => [width; 3],
            Self::Beside(column) => [column, width - GAP - column, width - GAP - column],
            Self::Across(column) => [width, column, width - GAP - column],
        }
    }
}

impl CardCache {
    /// Draws a card; what runs is laid out again only when the card or the width is another.
    pub fn view(&mut self, context: &CardContext<'_>) -> CardView<'_> {
        let layout = Layout::of(context);
        let [of_change, of_exact, of_why] = layout.widths(context.width);
        let key = Some((context.approval.id, context.approval.version, context.width));
        if self.key != key {
            let form = if matches!(layout, Layout::Across(_)) { Form::Sides } else { Form::Unified };
            (self.change, self.exact) = parts(&CardContext { width: of_change, ..*context }, form, of_exact);
            self.key = key;
        }
        let right = CardContext { width: of_why, ..*context };
        let mut head = verdict::rows(context);
        head.push(Row::new());
        let mut why = why::rows(&right);
        let mut aside = Vec::new();
        rationale(&right, &mut aside);
        let mut tail = Vec::new();
        if context.extent == Extent::Everything {
            context::lay(context, &mut tail);
        }
        if layout == Layout::Stacked {
            why.insert(0, Row::new());
            tail.splice(0..0, std::mem::take(&mut aside));
        }
        if !self.exact.is_empty() && !matches!(layout, Layout::Across(_)) {
            why.push(Row::new());
        }
        CardView { head, change: &self.change, why, exact: &self.exact, aside, tail, layout }
    }
}

/// Columns of what stands beside the change.
fn beside(width: usize) -> usize {
    (width * 2 / 5).clamp(48, 76)
}

/// What leaves or changes, and what will run in so many columns.
fn parts(context: &CardContext<'_>, form: Form, of_exact: usize) -> (Vec<Row>, Vec<Row>) {
    let (mut change, mut exact) = (Vec::new(), Vec::new());
    edit::lay(context, &mut change);
    change::lay(context, form, &mut change);
    if context.approval.ask.card().is_some_and(|card| card.change.is_some()) {
        exact = payload::rows(context.approval, of_exact);
    } else {
        change.extend(payload::rows(context.approval, context.width));
    }
    if form == Form::Sides {
        change.push(Row::new());
    }
    (change, exact)
}

impl CardView<'_> {
    /// Rows that say what will run, and what leaves or changes with it, with what stands between them. Approving is
    /// possible once every one of them has been on the screen.
    pub fn payload(&self) -> Range<usize> {
        let exact = self.exact.len();
        let told = match self.layout {
            _ if exact == 0 => self.change.len(),
            Layout::Stacked => self.change.len() + self.why.len() + exact,
            Layout::Beside(_) => self.change.len().max(self.why.len() + exact),
            Layout::Across(_) => self.change.len() + exact.max(self.why.len()),
        };
        self.head.len()..self.head.len() + told
    }

    pub fn height(&self) -> usize {
        self.head.len() + self.body() + self.tail.len()
    }

    /// Rows of the change and of what stands below or beside it.
    fn body(&self) -> usize {
        let (change, exact, why) = (self.change.len(), self.exact.len(), self.why.len() + self.aside.len());
        match self.layout {
            Layout::Stacked => change + exact + why,
            Layout::Beside(_) => change.max(exact + why),
            Layout::Across(_) => change + exact.max(why),
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
        let change = self.change.iter();
        let (why, exact) = (self.why.iter(), self.exact.iter());
        match self.layout {
            Layout::Stacked => change.chain(why).chain(exact).chain(&self.aside).nth(at).cloned(),
            Layout::Beside(column) => {
                let right = why.chain(exact).chain(&self.aside).nth(at);
                Some(joined(self.change.get(at), column, right))
            }
            Layout::Across(column) => match at.checked_sub(self.change.len()) {
                None => self.change.get(at).cloned(),
                Some(below) => {
                    let right = why.chain(&self.aside).nth(below);
                    Some(joined(self.exact.get(below), column, right))
                }
            },
        }
    }
}

fn joined(left: Option<&Row>, column: usize, right: Option<&Row>) -> Row {
    let right = Row::of(Role::Rule, " │ ").beside(GAP, right.cloned().unwrap_or_default());
    left.cloned().unwrap_or_default().beside(column, right)
}
