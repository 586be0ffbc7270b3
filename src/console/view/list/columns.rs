//! How wide each column is: as wide as it needs, and where there is no room for all, the most wanted come first.

use super::row::ListRow;
use crate::console::view::text;
use crate::console::view::text::Align;

/// Blanks between columns.
pub const GAP: usize = 2;
/// The part of the width, in percent, that a name takes before other columns are let in.
const NAME: usize = 45;

/// What happens to a value that is longer than its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// It never is: the column is as wide as its widest value, or not shown.
    Whole,
    /// The end is left out.
    End { least: usize, most: usize },
    /// It tells rows apart: it takes the room that is left, and its middle is left out.
    Middle { least: usize },
}

/// One column of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub title: &'static str,
    pub align: Align,
    /// The highest comes first where there is no room for all.
    rank: u8,
    fit: Fit,
}

impl Column {
    /// A column of short values, that are shown in full or not at all.
    pub const fn whole(title: &'static str, align: Align, rank: u8) -> Self {
        Self { title, align, rank, fit: Fit::Whole }
    }

    /// A column of longer texts, of which at least `least` columns are shown and at most `most`.
    pub const fn text(title: &'static str, least: usize, most: usize, rank: u8) -> Self {
        Self { title, align: Align::Left, rank, fit: Fit::End { least, most } }
    }

    /// The column that tells rows apart. It is always shown.
    pub const fn name(title: &'static str, least: usize) -> Self {
        Self { title, align: Align::Left, rank: u8::MAX, fit: Fit::Middle { least } }
    }

    pub fn is_name(&self) -> bool {
        matches!(self.fit, Fit::Middle { .. })
    }
}

/// The width of each column; 0 for one that is not shown. A column without any value is not shown.
pub fn widths(columns: &[Column], rows: &[ListRow], width: usize) -> Vec<usize> {
    let ranges: Vec<_> = columns.iter().enumerate().map(|(at, column)| range(column, at, rows, width)).collect();
    let mut by_rank: Vec<_> = (0..columns.len()).filter(|at| ranges[*at].1 > 0).collect();
    by_rank.sort_by_key(|at| std::cmp::Reverse(columns[*at].rank));
    let mut widths = vec![0; columns.len()];
    for at in by_rank {
        widths[at] = ranges[at].0;
        if taken(&widths) > width {
            // Even the first one has to fit.
            widths[at] = if columns[at].is_name() { width } else { 0 };
        }
    }
    grow(&mut widths, &ranges, columns, width);
    widths
}

/// The least and the most columns that the column at `at` takes for its widest value; nothing for none.
fn range(column: &Column, at: usize, rows: &[ListRow], width: usize) -> (usize, usize) {
    let widest = rows.iter().filter_map(|row| row.cells.get(at)).map(|cell| cell.row.width()).max().unwrap_or(0);
    let natural = widest.max(text::width(column.title));
    match column.fit {
        _ if widest == 0 => (0, 0),
        Fit::Whole => (natural, natural),
        Fit::End { least, most } => (natural.min(least), natural.min(most)),
        Fit::Middle { least } => (natural.min(least.max(width * NAME / 100)), natural),
    }
}

/// Gives the room that is left to the columns that could use it: twice as much to the one that tells rows apart.
fn grow(widths: &mut [usize], ranges: &[(usize, usize)], columns: &[Column], width: usize) {
    let mut left = width.saturating_sub(taken(widths));
    while left > 0 {
        let before = left;
        for (at, own) in widths.iter_mut().enumerate().filter(|(_, own)| **own > 0) {
            let share = if columns[at].is_name() { 2 } else { 1 };
            let more = share.min(ranges[at].1 - *own).min(left);
            *own += more;
            left -= more;
        }
        if left == before {
            break;
        }
    }
}

fn taken(widths: &[usize]) -> usize {
    let shown = widths.iter().filter(|width| **width > 0);
    shown.clone().sum::<usize>() + shown.count().saturating_sub(1) * GAP
}
