//! A locked console: that it is, and where the password goes. Nothing of what is below it, at any size.

use super::picture::Picture;
use super::scene::Scene;
use crate::console::role::Role;
use crate::console::state::{Asking, Hidden, Laid, Leaving, LockField, LockScreen};
use crate::console::view::text::Row;

/// Dots shown at most: how long a password is, is nobody's business either.
const MOST_DOTS: usize = 24;

pub fn compose(scene: &Scene<'_>, screen: &LockScreen, width: usize, height: usize) -> Picture {
    let minutes = scene.state.lock.after.unwrap_or_default().as_secs() / 60;
    let mut rows = vec![
        Row::of(Role::Strong, "locked"),
        Row::of(Role::Dim, format!("no key for {minutes} min; runs continue, and wait where they need a person")),
        Row::new(),
        field("password", &screen.password),
    ];
    let mut typed = &screen.password;
    if screen.field == LockField::Code {
        rows.push(field("code", &screen.code));
        typed = &screen.code;
    }
    let cursor = (LABEL + typed.count().min(MOST_DOTS), rows.len() - 1);
    rows.push(Row::new());
    rows.push(match &screen.asking {
        Asking::Nothing => Row::new(),
        Asking::Asked => Row::of(Role::Dim, "one moment…"),
        Asking::Refused(why) => Row::of(Role::Bad, why.as_str()),
    });
    rows.push(match screen.leaving {
        Leaving::No => {
            Row::of(Role::Key, "enter").with(Role::Dim, " opens  ").with(Role::Key, "^C").with(Role::Dim, " leaves")
        }
        Leaving::Asked => Row::of(Role::Warning, "^C again quits; runs resume at the next start"),
    });
    let left = width.saturating_sub(MEASURE) / 2;
    let top = height.saturating_sub(rows.len()) / 2;
    let mut page = vec![Row::new(); top];
    page.extend(rows.into_iter().map(|row| indented(row, left).cut(width)));
    page.truncate(height);
    page.resize(height, Row::new());
    let place = (cursor.0 + left, cursor.1 + top);
    let cursor = (place.0 < width && place.1 < height).then_some((place.0 as u16, place.1 as u16));
    Picture { rows: page, cursor, laid: Laid { rows: 0, height, stops: Vec::new() }, ..Picture::default() }
}

/// Columns of the longest line, which stands in the middle.
const MEASURE: usize = 62;
/// Columns before what is typed.
const LABEL: usize = 10;

fn field(label: &str, typed: &Hidden) -> Row {
    let dots = "•".repeat(typed.count().min(MOST_DOTS));
    Row::of(Role::Dim, format!("{label:<LABEL$}")).with(Role::Text, dots)
}

fn indented(row: Row, columns: usize) -> Row {
    let mut indented = Row::new();
    indented.blank(columns);
    indented.append(row);
    indented
}
