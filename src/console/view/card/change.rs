//! The change that leaves with an effect: how large it is for the verdict, and all of it.

use super::CardContext;
use crate::console::role::Role;
use crate::console::view::diff::Counts;
use crate::console::view::text::Row;
use crate::console::view::wrap::{Line, Wrap, continued};
use crate::console::view::{diff, format};
use crate::domain::EffectCard;
use crate::kinds::Approval;

/// What stands behind a file that the agent never spoke of.
const NOT_MENTIONED: &str = "! not mentioned by the agent";

/// How a diff is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Each line below the other.
    Unified,
    /// The old text at the left, the new one at the right.
    Sides,
}

/// `+12 −3 in 2 files`: for the verdict.
pub fn summary(card: &EffectCard) -> Option<Row> {
    let row = Counts::of(card.change.as_ref()?).row();
    Some(match card.change_is_cut() {
        true => row.with(Role::Bad, " and more than fits on a card; it cannot be approved"),
        false => row,
    })
}

/// `! 1 file not mentioned`: for the verdict.
pub fn surprise(approval: &Approval) -> Option<Row> {
    let files = approval.not_mentioned.len();
    let text = || format!("! {} not mentioned", format::count(files, "file", "files"));
    (files > 0).then(|| Row::of(Role::Warning, text()))
}

pub fn lay(context: &CardContext<'_>, form: Form, rows: &mut Vec<Row>) {
    let Some(change) = context.approval.ask.card().and_then(|card| card.change.as_ref()) else { return };
    if !rows.is_empty() {
        rows.push(Row::new());
    }
    rows.push(Row::section("What will be sent", Counts::of(change).row(), context.width));
    for file in &context.approval.not_mentioned {
        let mut row = Row::new();
        row.push_visible(Role::Text, &file.quoted());
        row.blank(2);
        row.push(Role::Warning, NOT_MENTIONED);
        Line { row, hang: continued(2), wrap: Wrap::Anywhere }.lay(context.width, rows);
    }
    match form {
        Form::Unified => diff::lay(change, &Row::new(), context.width, rows),
        Form::Sides => diff::lay_sides(change, context.width, rows),
    }
}
