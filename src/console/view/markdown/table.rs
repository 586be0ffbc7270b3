//! A Markdown table: columns where they fit, one line a cell where they do not. No cell is ever cut.

use pulldown_cmark::Alignment;

use crate::console::role::Role;
use crate::console::view::text::Row;
use crate::console::view::wrap::Line;

pub struct Table {
    columns: Vec<Alignment>,
    rows: Vec<Vec<Row>>,
    current: Vec<Row>,
}

impl Table {
    pub fn new(columns: Vec<Alignment>) -> Self {
        Self { columns, rows: Vec::new(), current: Vec::new() }
    }

    pub fn push(&mut self, cell: Row) {
        self.current.push(cell);
    }

    pub fn end_row(&mut self) {
        self.rows.push(std::mem::take(&mut self.current));
    }

    pub fn lines(self, room: usize) -> Vec<Line> {
        let widths: Vec<usize> = (0..self.columns.len()).map(|column| self.width(column)).collect();
        let needed = widths.iter().sum::<usize>() + 3 * widths.len().saturating_sub(1);
        if needed <= room { self.aligned(&widths) } else { self.stacked() }
    }

    fn width(&self, column: usize) -> usize {
        self.rows.iter().filter_map(|row| row.get(column)).map(Row::width).max().unwrap_or(0)
    }

    fn aligned(self, widths: &[usize]) -> Vec<Line> {
        let mut lines = Vec::new();
        for (number, cells) in self.rows.into_iter().enumerate() {
            let mut line = Row::new();
            for (column, cell) in cells.into_iter().enumerate() {
                if column > 0 {
                    line.push(Role::Rule, " │ ");
                }
                let free = widths.get(column).map_or(0, |width| width.saturating_sub(cell.width()));
                let before = match self.columns.get(column) {
                    Some(Alignment::Right) => free,
                    Some(Alignment::Center) => free / 2,
                    _ => 0,
                };
                line.blank(before);
                line.append(cell);
                line.blank(free - before);
            }
            lines.push(Line::new(line));
            if number == 0 {
                let rule: Vec<_> = widths.iter().map(|width| "─".repeat(*width)).collect();
                lines.push(Line::new(Row::of(Role::Rule, rule.join("─┼─"))));
            }
        }
        lines
    }

    fn stacked(self) -> Vec<Line> {
        let mut rows = self.rows.into_iter();
        let heads = rows.next().unwrap_or_default();
        let mut lines = vec![];
        let mut any = false;
        for cells in rows {
            any = true;
            for (column, cell) in cells.into_iter().enumerate() {
                let mut lead = Row::of(Role::Rule, if column == 0 { "┌ " } else { "│ " });
                if let Some(head) = heads.get(column) {
                    lead.append(head.clone());
                    lead.push(Role::Dim, ": ");
                }
                let mut hang = Row::of(Role::Rule, "│ ");
                hang.blank(2);
                lead.append(cell);
                lines.push(Line::new(lead).hang(hang));
            }
        }
        if !any {
            lines.extend(heads.into_iter().map(Line::new));
        }
        lines
    }
}
