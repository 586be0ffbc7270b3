//! The spanned tree of a TOML text: where a key stands, and which keys a place belongs to.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A key and its value, wherever in the tree.
pub struct Entry<'t> {
    /// Dotted, from the top: `providers.local.base_url`.
    pub path: String,
    pub key: Range<usize>,
    pub value: &'t Spanned<DeValue<'t>>,
}

/// Every entry, outer ones before those inside them.
pub fn entries<'t>(table: &'t DeTable<'t>) -> Vec<Entry<'t>> {
    let mut entries = Vec::new();
    collect("", table, &mut entries);
    entries
}

fn collect<'t>(above: &str, table: &'t DeTable<'t>, entries: &mut Vec<Entry<'t>>) {
    for (key, value) in table.iter() {
        let path = if above.is_empty() { key.get_ref().to_string() } else { format!("{above}.{}", key.get_ref()) };
        entries.push(Entry { path: path.clone(), key: key.span(), value });
        match value.get_ref() {
            DeValue::Table(inner) => collect(&path, inner, entries),
            DeValue::Array(items) => {
                let tables = items.iter().filter_map(|item| item.get_ref().as_table());
                tables.for_each(|inner| collect(&path, inner, entries));
            }
            _ => {}
        }
    }
}

/// Where the value at a dotted path stands.
pub fn value_span(table: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    entries(table).into_iter().find(|entry| entry.path == path).map(|entry| entry.value.span())
}

/// The dotted path of the innermost entry whose key or value covers `place`.
pub fn path_at(table: &DeTable<'_>, place: Range<usize>) -> Option<String> {
    let covers = |span: Range<usize>| span.start <= place.start && place.end <= span.end;
    let mut covering =
        entries(table).into_iter().filter(|entry| covers(entry.key.clone()) || covers(entry.value.span()));
    covering.next_back().map(|entry| entry.path)
}
