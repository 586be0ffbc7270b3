//! How wide each column is: as wide as it needs, and where there is no room, the least wanted gives way.

use super::row::ListRow;
use crate::console::view::text;
use crate::console::view::text::Align;

/// Blanks between columns.
pub const GAP: usize = 2;

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
    /// The lowest goes first where there is no room for all.
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

    /// The least and the most columns it takes, where its widest value has `natural`.
    fn range(&self, natural: usize) -> (usize, usize) {
        match self.fit {
            Fit::Whole => (natural, natural),
            Fit::End { least, most } => (natural.min(least), natural.min(most)),
            Fit::Middle { least } => (natural.min(least), natural),
        }
    }
}

/// The width of each column; 0 for one that is not shown. A column without any value is not shown.
pub fn widths(columns: &[Column], rows: &[ListRow], width: usize) -> Vec<usize> {
    let ranges: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let widest =
                rows.iter().filter_map(|row| row.cells.get(at)).map(|cell| cell.row.width()).max().unwrap_or(0);
            if widest == 0 { (0, 0) } else { column.range(widest.max(text::width(column.title))) }
        })
        .collect();
    let mut widths: Vec<_> = ranges.iter().map(|(least, _)| *least).collect();
    while taken(&widths) > width {
        let shown = widths.iter().enumerate().filter(|(_, width)| **width > 0);
        let (Some((last, _)), 2..) = (shown.clone().min_by_key(|(at, _)| columns[*at].rank), shown.count()) else {
            break;
        };
        widths[last] = 0;
    }
    grow(&mut widths, &ranges, columns, width);
    // Even the last one has to fit.
    if taken(&widths) > width {
        widths.iter_mut().for_each(|own| *own = (*own).min(width));
    }
    widths
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
