//! What a person changed before the card was asked like this: who, and the arguments against those the agent gave.

use super::CardContext;
use crate::console::role::Role;
use crate::console::view::diff::Counts;
use crate::console::view::text::Row;
use crate::console::view::{diff, words};
use crate::domain::CallEdit;

/// `ana changed branch, force`: for the verdict.
pub fn summary(edit: &CallEdit) -> Row {
    let mut row = Row::new();
    row.push_untrusted(words::actor(&edit.by), &edit.by.name().into());
    row.push(Role::Text, " changed ");
    row.push_untrusted(Role::Warning, &edit.changed().join(", ").into());
    row
}

pub fn lay(context: &CardContext<'_>, rows: &mut Vec<Row>) {
    let Some(edit) = &context.approval.edit else { return };
    let difference = edit.difference();
    rows.push(Row::section("Changed from what the agent asked", Counts::of(&difference).row(), context.width));
    diff::lay(&difference, &Row::new(), context.width, rows);
    rows.push(Row::new());
}
