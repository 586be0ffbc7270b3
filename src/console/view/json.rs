//! JSON values as indented rows in which every string shows where it begins and ends. Leaves nothing out.

use serde_json::Value;

use super::text::{Row, push_marked};
use super::wrap::{Line, Wrap, continued};
use crate::console::role::Role;
use crate::domain::Untrusted;

/// Deeper levels are written on one line: an outsider chooses the depth.
const DEEPEST: usize = 8;

/// Appends one row or more for each member of an object or array, or for the value itself.
pub fn lay(value: &Value, lead: &Row, width: usize, rows: &mut Vec<Row>) {
    members(value, lead, width, DEEPEST, rows);
}

fn members(value: &Value, lead: &Row, width: usize, depth: usize, rows: &mut Vec<Row>) {
    match value {
        Value::Object(map) if !map.is_empty() && depth > 0 => {
            let names: Vec<Row> = map.keys().map(|key| name(key)).collect();
            let column = names.iter().map(Row::width).max().unwrap_or(0).min(width / 3);
            for (name, value) in names.into_iter().zip(map.values()) {
                let mut start = lead.clone();
                let from = start.width();
                start.append(name);
                start.pad_to(from + column);
                start.blank(2);
                member(value, start, lead, width, depth, rows);
            }
        }
        Value::Array(items) if !items.is_empty() && depth > 0 => {
            let column = items.len().to_string().len();
            for (number, value) in (1..).zip(items) {
                let start = lead.clone().with(Role::Dim, format!("{number:>column$}  "));
                member(value, start, lead, width, depth, rows);
            }
        }
        scalar => member(scalar, lead.clone(), lead, width, 0, rows),
    }
}

/// A member's name, in quotes where it could be taken for something else, such as the number of an item.
fn name(key: &str) -> Row {
    let mut row = Row::new();
    if is_word(key) && !key.bytes().all(|byte| byte.is_ascii_digit()) {
        return row.with(Role::Dim, key);
    }
    row.push(Role::Dim, "'");
    row.push_untrusted(Role::Dim, &key.into());
    row.with(Role::Dim, "'")
}

fn member(value: &Value, start: Row, lead: &Row, width: usize, depth: usize, rows: &mut Vec<Row>) {
    let mut inner = lead.clone();
    inner.blank(2);
    // A name that fills the row would leave its value a column of single letters.
    let start = if start.width() * 2 > width {
        Line { row: start, hang: continued(inner.width()), wrap: Wrap::Anywhere }.lay(width, rows);
        inner.clone()
    } else {
        start
    };
    match value {
        Value::Object(map) if !map.is_empty() && depth > 0 => {
            Line::new(start).wrap(Wrap::Anywhere).lay(width, rows);
            members(value, &inner, width, depth - 1, rows);
        }
        Value::Array(items) if !items.is_empty() && depth > 0 => {
            Line::new(start).wrap(Wrap::Anywhere).lay(width, rows);
            members(value, &inner, width, depth - 1, rows);
        }
        Value::String(text) if text.trim_end_matches('\n').contains('\n') => {
            Line::new(start).wrap(Wrap::Anywhere).lay(width, rows);
            block(&text.as_str().into(), &inner, width, rows);
        }
        // In quotes where it would else read as a number or as `true`.
        Value::String(text) if serde_json::from_str::<Value>(text).is_ok() => {
            in_quotes(&text.as_str().into(), start, width, rows);
        }
        Value::String(text) => quoted(&text.as_str().into(), start, width, rows),
        other => {
            let mut rest = Row::new();
            rest.push_untrusted(Role::CodeNumber, &other.to_string().into());
            lay_after(start, rest, width, rows);
        }
    }
}

/// Text of several lines, with a bar before each.
pub fn block(text: &Untrusted, lead: &Row, width: usize, rows: &mut Vec<Row>) {
    let bar = lead.clone().with(Role::Rule, "│ ");
    let mut hang = lead.clone();
    hang.append(continued(2));
    for visible in text.visible_lines() {
        let mut row = bar.clone();
        push_marked(Role::Code, &visible, &mut |span| row.push_span(span));
        Line { row, hang: hang.clone(), wrap: Wrap::Anywhere }.lay(width, rows);
    }
}

/// One argument or string after `start`, in quotes unless it is plainly one word.
pub fn quoted(text: &Untrusted, start: Row, width: usize, rows: &mut Vec<Row>) {
    if !is_word(text.raw()) {
        return in_quotes(text, start, width, rows);
    }
    lay_after(start, Row::of(Role::Code, text.raw()), width, rows);
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c))
}

fn in_quotes(text: &Untrusted, start: Row, width: usize, rows: &mut Vec<Row>) {
    let mut row = Row::of(Role::Dim, "'");
    row.push_untrusted(Role::Code, text);
    lay_after(start, row.with(Role::Dim, "'"), width, rows);
}

fn lay_after(start: Row, rest: Row, width: usize, rows: &mut Vec<Row>) {
    let hang = continued(start.width());
    let mut row = start;
    row.append(rest);
    Line { row, hang, wrap: Wrap::Anywhere }.lay(width, rows);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::console::view::fixtures::{HOSTILE, picture};

    #[test]
    fn every_member_stands_on_its_own() {
        let value = json!({
            "path": "src/a b.rs", "empty": "", "all": true, "limit": 20, "text": "20", "none": null, "list": [], "map": {},
            "content": "fn main() {\n\tprintln!(\"hi\");\n}\n",
            "nested": { "paths": ["a", " b "], HOSTILE: HOSTILE },
        });
        let mut rows = Vec::new();
        lay(&value, &Row::of(Role::Text, "  "), 60, &mut rows);
        insta::assert_snapshot!(picture(&rows, 60));
    }

    #[test]
    fn what_is_too_deep_is_written_on_one_line() {
        let deep = (0..40).fold(json!("bottom"), |value, _| json!([value]));
        let mut rows = Vec::new();
        lay(&deep, &Row::new(), 60, &mut rows);
        let shown: String = rows.iter().map(Row::text).collect();
        assert!(shown.contains("bottom") && rows.len() < 20);
    }
}
