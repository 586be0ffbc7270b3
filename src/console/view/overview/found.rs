//! Which rows of the page contain what is looked for, and how many there are.

use crate::console::role::Role;
use crate::console::view::list::ListRow;
use crate::console::view::text::Row;
use crate::domain::Untrusted;

pub struct Found {
    filter: String,
    all: usize,
    shown: usize,
}

impl Found {
    pub fn new(filter: &str) -> Self {
        Self { filter: filter.to_owned(), all: 0, shown: 0 }
    }

    /// Takes out of a table what does not contain it.
    pub fn keep(&mut self, mut table: Vec<ListRow>) -> Vec<ListRow> {
        self.all += table.len();
        if !self.filter.is_empty() {
            let wanted = self.filter.to_lowercase();
            table.retain(|row| row.contains(&wanted));
        }
        self.shown += table.len();
        table
    }

    /// `/parser 3 of 14`, while something is looked for.
    pub fn note(&self, width: usize) -> Option<Row> {
        if self.filter.is_empty() {
            return None;
        }
        let mut note = Row::of(Role::Key, "/");
        note.push_untrusted(Role::Match, &Untrusted::from(self.filter.as_str()));
        note.push(Role::Dim, format!(" {} of {} ", self.shown, self.all));
        Some(Row::spread(Row::of(Role::Heading, " Now"), note, width))
    }
}
