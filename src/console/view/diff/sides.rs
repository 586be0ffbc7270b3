//! The same diff with the old text at the left and the new one at the right, lines that replace each other side by side.
//! Shows every line it is given.

use super::{Code, ShownLine, Sides, changed_parts, content, digits, read, run_of};
use crate::console::role::Role;
use crate::console::view::text::Row;
use crate::domain::{DiffKind, Untrusted};

/// Columns between the two.
const GAP: usize = 3;

/// Appends the rows of a diff.
pub fn lay_sides(diff: &Untrusted, width: usize, rows: &mut Vec<Row>) {
    let lines = read(diff);
    let changed = changed_parts(&lines);
    let digits = digits(&lines);
    let mut highlighters = Sides::default();
    let codes: Vec<_> = lines.iter().map(|line| highlighters.read(line)).collect();
    let half = |at: usize, side: Side| half(lines.get(at)?, codes.get(at)?, changed.get(at)?, digits, side, width);
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let removed = run_of(&lines, at, DiffKind::Removed);
        let added = run_of(&lines, at + removed, DiffKind::Added);
        for pair in 0..removed.max(added) {
            let old = (pair < removed).then(|| half(at + pair, Side::Old)).flatten();
            let new = (pair < added).then(|| half(at + removed + pair, Side::New)).flatten();
            join(old, new, width, rows);
        }
        if removed + added == 0 {
            match line.kind.is_context() {
                true => join(half(at, Side::Old), half(at, Side::New), width, rows),
                false => content(line, &Vec::new(), &[], Row::new(), "").lay(width, rows),
            }
        }
        at += (removed + added).max(1);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Old,
    New,
}

/// Columns of the old side; the new one has as many, or one more.
fn column(width: usize) -> usize {
    width.saturating_sub(GAP) / 2
}

fn half(
    line: &ShownLine<'_>,
    code: &Code<'_>,
    changed: &[bool],
    digits: usize,
    side: Side,
    width: usize,
) -> Option<Vec<Row>> {
    let (number, room) = match side {
        Side::Old => (line.old, column(width)),
        Side::New => (line.new, width - GAP - column(width)),
    };
    Some(content(line, code, changed, Row::new(), &format!("{number:>digits$}")).rows(room))
}

/// The rows of both sides beside each other; the shorter one is followed by blank ones.
fn join(old: Option<Vec<Row>>, new: Option<Vec<Row>>, width: usize, rows: &mut Vec<Row>) {
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    for at in 0..old.len().max(new.len()) {
        let side = |rows: &[Row]| rows.get(at).cloned().unwrap_or_default();
        let right = Row::of(Role::Rule, " │ ").beside(GAP, side(&new));
        rows.push(side(&old).beside(column(width), right));
    }
}
