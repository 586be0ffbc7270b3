//! The column of times.

use crate::console::role::Role;
use crate::console::view::format;
use crate::console::view::text::Row;
use crate::domain::Timestamp;

/// The time of day in a column of its own.
pub fn gutter(at: Timestamp) -> Row {
    Row::of(Role::Dim, format!("{}  ", format::clock(at)))
}

/// Columns of the gutter.
pub const GUTTER: usize = 10;
