//! What a host check comes to: figures, a table for people, and findings judged by written thresholds.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::domain::{Timestamp, Untrusted};
use crate::tools::names;

/// How much attention a finding needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Ok,
    /// Worth knowing, nothing to do.
    Notice,
    /// Look at it today.
    Warning,
    /// Look at it now.
    Critical,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The level of a value that is worse the higher it is; each limit belongs to the worse side.
    pub fn rising(value: f64, warning: f64, critical: f64) -> Self {
        match value {
            value if value >= critical => Self::Critical,
            value if value >= warning => Self::Warning,
            _ => Self::Ok,
        }
    }
}

/// One sentence about the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub level: Level,
    pub text: Untrusted,
}

impl Finding {
    pub fn new(level: Level, text: impl Into<String>) -> Self {
        Self { level, text: Untrusted::new(text) }
    }
}

/// All that one check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// `load`, `memory`, …
    pub what: String,
    pub at: Timestamp,
    /// The figures in one line.
    pub gist: Untrusted,
    /// The figures as a table, ready to be shown in columns.
    pub table: Untrusted,
    pub numbers: Value,
    /// At least one; worst first.
    pub findings: Vec<Finding>,
}

/// A check's result before it has a name and a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    pub gist: String,
    pub table: String,
    pub numbers: Value,
    pub findings: Vec<Finding>,
}

impl Measured {
    /// Adds a finding.
    pub fn find(&mut self, level: Level, text: impl Into<String>) {
        self.findings.push(Finding::new(level, text));
    }

    /// Names and dates it, and says that all is well where nothing else was found.
    pub fn into_reading(mut self, what: &str, at: Timestamp) -> Reading {
        if self.findings.is_empty() {
            self.find(Level::Ok, self.gist.clone());
        }
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
        Reading {
            what: what.to_owned(),
            at,
            gist: Untrusted::new(self.gist),
            table: Untrusted::new(self.table),
            numbers: self.numbers,
            findings: self.findings,
        }
    }
}

impl Reading {
    /// The worst level found.
    pub fn level(&self) -> Level {
        self.findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }
}

/// Lays rows out in columns; a header that begins with `>` aligns its column to the right.
pub fn table(headers: &[&str], rows: &[Vec<String>]) -> String {
    let right: Vec<bool> = headers.iter().map(|header| header.starts_with('>')).collect();
    let named = headers.iter().map(|header| header.trim_start_matches('>').to_owned()).collect();
    // Names of processes and mounts come from outside; a line break in one would forge a row.
    let clean = |cell: &String| names::written(Path::new(cell));
    let all: Vec<Vec<String>> =
        std::iter::once(named).chain(rows.iter().map(|row| row.iter().map(clean).collect())).collect();
    let width = |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
    let widths: Vec<usize> = (0..headers.len()).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for row in &all {
        let cells = row.iter().zip(&widths).zip(&right).map(|((cell, width), right)| {
            let blank = " ".repeat(width.saturating_sub(cell.width()));
            if *right { format!("{blank}{cell}") } else { format!("{cell}{blank}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_no_cell_breaks_out() {
        let rows = vec![vec!["/".to_owned(), "7".to_owned()], vec!["/a\nb".to_owned(), "12".to_owned()]];
        assert_eq!(table(&["mount", ">use"], &rows), "mount    use\n/          7\n/a\\x0ab   12\n");
    }

    #[test]
    fn a_limit_belongs_to_the_worse_side() {
        let level = |value| Level::rising(value, 80.0, 90.0);
        assert_eq!([level(79.9), level(80.0), level(90.0)], [Level::Ok, Level::Warning, Level::Critical]);
    }

    #[test]
    fn nothing_found_is_said_to_be_well_and_the_worst_comes_first() {
        let at = Timestamp::default();
        let quiet = Measured { gist: "calm".to_owned(), ..Measured::default() }.into_reading("load", at);
        assert_eq!(quiet.findings, [Finding::new(Level::Ok, "calm")]);
        let mut loud = Measured::default();
        loud.find(Level::Notice, "a");
        loud.find(Level::Critical, "b");
        let loud = loud.into_reading("load", at);
        assert_eq!((loud.level(), loud.findings[0].text.raw()), (Level::Critical, "b"));
    }
}
