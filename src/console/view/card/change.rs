//! The change that leaves with an effect: how large it is on the card itself, and all of it one key away.

use super::CardContext;
use crate::console::intent::Intent;
use crate::console::role::Role;
use crate::console::state::Extent;
use crate::console::view::diff;
use crate::console::view::diff::Counts;
use crate::console::view::text::Row;
use crate::domain::Ask;
use crate::domain::Untrusted;

pub fn lay(context: &CardContext<'_>, rows: &mut Vec<Row>) {
    let Some(change) = change(&context.approval.ask) else { return };
    rows.push(Row::new());
    match context.extent {
        Extent::Card => {
            let mut row = Row::of(Role::Dim, "leaves with it ");
            row.append(Counts::of(change).row());
            row.push(Role::Dim, "; ");
            row.push(Role::Key, context.keymap.hint(Intent::Everything));
            row.push(Role::Dim, " shows the diff");
            rows.push(row.cut(context.width));
        }
        Extent::Everything => {
            rows.push(Row::section("This leaves with it", Counts::of(change).row(), context.width));
            diff::lay(change, &Row::new(), context.width, rows);
        }
    }
}

fn change(ask: &Ask) -> Option<&Untrusted> {
    match ask {
        Ask::Effect { card } | Ask::InDoubt { card, .. } => card.change.as_ref(),
        Ask::Question { .. } => None,
    }
}
