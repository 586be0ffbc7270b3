//! A list as data: columns, and rows of cells. Every list screen is drawn, sorted, filtered and cut by this.
//!
//! Knows no kind of thing: who has rows to show says what its columns are, which states its rows are in, and what
//! each cell says and counts for.

mod columns;
mod names;
mod row;

use std::cmp::Reverse;

pub use columns::Column;
use row::Key;
pub use row::{Cell, ListRow};

use super::text::{Align, Row};
use crate::console::role::Role;
use crate::console::state::{Arrangement, Offered, Order, Sort};
use crate::domain::Untrusted;

/// A list before it is arranged and laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// Where one is: the name of the screen.
    pub title: &'static str,
    pub columns: Vec<Column>,
    /// The states that rows are in, in the order they are shown.
    pub chips: &'static [&'static str],
    /// In the list's own order.
    pub rows: Vec<ListRow>,
    /// What is said when there is no row at all.
    pub empty: &'static str,
}

/// A list as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListView {
    /// Stands above the rows and does not scroll.
    pub heading: Vec<Row>,
    pub rows: Vec<Row>,
    pub offered: Offered,
}

impl List {
    /// Arranges the rows and lays them out in `width` columns; the heading has `across` columns.
    pub fn lay(mut self, arrangement: &Arrangement, width: usize, across: usize) -> ListView {
        let all = self.rows.len();
        let chips = self.counted();
        let wanted = arrangement.filter.to_lowercase();
        self.rows.retain(|row| arrangement.chip.is_none_or(|chip| row.chip == chip));
        self.rows.retain(|row| wanted.is_empty() || row.contains(&wanted));
        if let Some(sort) = arrangement.sort {
            self.sort(sort);
        }
        let mut heading = vec![self.chips(arrangement, all, &chips, across)];
        let widths = columns::widths(&self.columns, &self.rows, width);
        let shown = |column: &usize| widths.get(*column).is_some_and(|width| *width > 0);
        let columns = (0..self.columns.len()).filter(shown).map(|column| self.columns[column].title);
        let offered = Offered {
            columns: columns.filter(|title| !title.is_empty()).collect(),
            chips: chips.iter().map(|(chip, _)| *chip).collect(),
        };
        let mut rows = laid(std::mem::take(&mut self.rows), &self.columns, &widths);
        if rows.is_empty() {
            let text = if all == 0 { self.empty } else { "No matches. esc shows all." };
            rows.push(Row::of(Role::Dim, text).cut(width));
        } else {
            heading.push(self.titles(&widths, arrangement.sort));
        }
        ListView { heading, rows, offered }
    }

    /// How many rows are in each state that any is in.
    fn counted(&self) -> Vec<(&'static str, usize)> {
        let count = |chip: &&'static str| (*chip, self.rows.iter().filter(|row| row.chip == *chip).count());
        self.chips.iter().map(count).filter(|(_, count)| *count > 0).collect()
    }

    fn sort(&mut self, sort: Sort) {
        let Some(column) = self.columns.iter().position(|column| column.title == sort.column) else { return };
        self.rows.sort_by_cached_key(|row| match row.cells.get(column) {
            // Of amounts and times, the largest is what one looks for.
            Some(Cell { key: Key::Number(number), .. }) => (Some(Reverse(*number)), None),
            Some(Cell { key: Key::Text, row }) => (None, Some(row.text().to_lowercase())),
            None => (None, None),
        });
        if sort.order == Order::Reversed {
            self.rows.reverse();
        }
    }

    /// `Runs  all 14 · live 2 · failed 1    /parser 3 of 14 · by cost`
    fn chips(&self, arrangement: &Arrangement, all: usize, chips: &[(&'static str, usize)], width: usize) -> Row {
        let mut row = Row::of(Role::Heading, format!(" {}", self.title)).with(Role::Text, "  ");
        let chip = |name: &str, count: usize, is_chosen: bool| {
            Row::of(if is_chosen { Role::Tab } else { Role::Dim }, format!("{name} {count}"))
        };
        row.append(chip("all", all, arrangement.chip.is_none()));
        for (name, count) in chips {
            row.push(Role::Rule, " · ");
            row.append(chip(name, *count, arrangement.chip == Some(name)));
        }
        let mut note = Row::new();
        if !arrangement.filter.is_empty() {
            note.push(Role::Key, "/");
            note.push_untrusted(Role::Match, &Untrusted::from(arrangement.filter.as_str()));
            note.push(Role::Dim, format!(" {} of {all}", self.rows.len()));
        }
        if let Some(sort) = arrangement.sort {
            if !note.is_empty() {
                note.push(Role::Rule, " · ");
            }
            let order = if sort.order == Order::Reversed { ", reversed" } else { "" };
            note.push(Role::Dim, format!("by {}{order}", sort.column));
        }
        note.blank(usize::from(!note.is_empty()));
        Row::spread(row, note, width)
    }

    fn titles(&self, widths: &[usize], sort: Option<Sort>) -> Row {
        let titles = self.columns.iter().map(|column| {
            let is_sorted = sort.is_some_and(|sort| sort.column == column.title);
            Row::of(if is_sorted { Role::Accent } else { Role::Dim }, column.title)
        });
        join(titles, &self.columns, widths)
    }
}

/// Rows in columns, without a heading.
pub fn lines(columns: &[Column], rows: Vec<ListRow>, width: usize) -> Vec<Row> {
    let widths = columns::widths(columns, &rows, width);
    laid(rows, columns, &widths)
}

fn laid(mut rows: Vec<ListRow>, columns: &[Column], widths: &[usize]) -> Vec<Row> {
    for (at, _) in columns.iter().enumerate().filter(|(_, column)| column.is_name()) {
        let names = rows.iter_mut().filter_map(|row| Some(&mut row.cells.get_mut(at)?.row));
        names::cut(names.collect(), widths.get(at).copied().unwrap_or_default());
    }
    let line = |row: ListRow| {
        let mut line = join(row.cells.into_iter().map(|cell| cell.row), columns, widths);
        line.anchor = row.anchor;
        line
    };
    rows.into_iter().map(line).collect()
}

/// Cells in their columns, each cut to its own.
fn join(cells: impl Iterator<Item = Row>, columns: &[Column], widths: &[usize]) -> Row {
    let mut joined = Row::new();
    let mut is_first = true;
    for ((cell, column), width) in cells.zip(columns).zip(widths).filter(|(_, width)| **width > 0) {
        if !std::mem::take(&mut is_first) {
            joined.blank(columns::GAP);
        }
        let cell = cell.cut(*width);
        let blank = width.saturating_sub(cell.width());
        match column.align {
            Align::Left => {
                joined.append(cell);
                joined.blank(blank);
            }
            Align::Right => {
                joined.blank(blank);
                joined.append(cell);
            }
        }
    }
    joined
}

#[cfg(test)]
mod tests;
