//! One run as a row of the overview.

use crate::console::anchor::Anchor;
use crate::console::role::Role;
use crate::console::view::list::ListRow;
use crate::console::view::text::Row;
use crate::console::view::{run_list, words};
use crate::kinds::Run;

/// `● write the release notes`
pub fn named(run: &Run, role: Role) -> Row {
    let sign = words::run(run.state);
    let mut row = Row::of(sign.role, format!("{} ", sign.glyph));
    row.append(run_list::name(run, role));
    row
}

pub fn table_row<const N: usize>(run: &Run, cells: [Row; N]) -> ListRow {
    let words = format!("{} {} {}", run.goal.visible(), run.state, run.id);
    ListRow { words, ..ListRow::plain(Some(Anchor::Run(run.id)), cells) }
}
