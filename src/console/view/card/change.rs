//! The change that leaves with an effect: how large it is for the verdict, and all of it.

use super::CardContext;
use crate::console::role::Role;
use crate::console::view::diff;
use crate::console::view::diff::Counts;
use crate::console::view::text::Row;
use crate::domain::EffectCard;

/// `+12 −3 in 2 files`: for the verdict.
pub fn summary(card: &EffectCard) -> Option<Row> {
    let row = Counts::of(card.change.as_ref()?).row();
    Some(match card.change_is_cut() {
        true => row.with(Role::Bad, " and more than fits on a card; it cannot be approved"),
        false => row,
    })
}

pub fn lay(context: &CardContext<'_>, rows: &mut Vec<Row>) {
    let Some(change) = context.approval.ask.card().and_then(|card| card.change.as_ref()) else { return };
    if !rows.is_empty() {
        rows.push(Row::new());
    }
    rows.push(Row::section("What will be sent", Counts::of(change).row(), context.width));
    diff::lay(change, &Row::new(), context.width, rows);
}
