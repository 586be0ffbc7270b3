//! Fields of a JSON body by JSON pointer, with errors that name the field.

use chrono::DateTime;
use serde_json::Value;

use super::group::time;
use super::unreadable::Unreadable;
use crate::domain::Timestamp;

/// A body, or a part of it.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a Value);

/// Reads a body as JSON; `what` is what it should be.
pub(super) fn parse(what: &str, body: &[u8]) -> Result<Value, Unreadable> {
    let text = Unreadable::unless_text(body)?;
    let value: Value = serde_json::from_str(text).map_err(|error| Unreadable::json(what, &error))?;
    if value.is_object() || value.is_array() {
        return Ok(value);
    }
    Err(Unreadable::new(format!("this is not {what}: it is neither an object nor a list"), "send the whole body"))
}

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value) -> Self {
        Self(value)
    }

    pub(super) fn value(self, pointer: &str) -> Option<&'a Value> {
        self.0.pointer(pointer).filter(|value| !value.is_null())
    }

    pub(super) fn part(self, pointer: &str) -> Option<Self> {
        self.value(pointer).filter(|value| value.is_object()).map(Self)
    }

    /// A text that says something.
    pub(super) fn text(self, pointer: &str) -> Option<&'a str> {
        self.value(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn text_or_empty(self, pointer: &str) -> &'a str {
        self.text(pointer).unwrap_or_default()
    }

    pub(super) fn needed(self, pointer: &str) -> Result<&'a str, Unreadable> {
        self.text(pointer).ok_or_else(|| missing(pointer, "a text"))
    }

    /// What something is known by: a text or a number.
    pub(super) fn id(self, pointer: &str) -> Result<String, Unreadable> {
        self.word(pointer).ok_or_else(|| missing(pointer, "a text or a number"))
    }

    /// A text, a number or a truth value, as text.
    pub(super) fn word(self, pointer: &str) -> Option<String> {
        scalar(self.value(pointer)?)
    }

    /// A time: RFC 3339, or seconds or milliseconds since 1970.
    pub(super) fn time(self, pointer: &str) -> Result<Timestamp, Unreadable> {
        const HINT: &str = "times are RFC 3339, or seconds or milliseconds since 1970";
        let value = self.value(pointer).ok_or_else(|| missing(pointer, "a time"))?;
        let read = match value {
            Value::String(text) => time(text).map_err(|wrong| Unreadable::new(format!("{pointer}: {wrong}"), HINT))?,
            Value::Number(number) => number.as_f64().and_then(since_1970),
            _ => None,
        };
        read.ok_or_else(|| Unreadable::new(format!("{pointer}: this is not a time"), HINT))
    }
}

pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Later than the year 5000 in seconds is milliseconds.
fn since_1970(number: f64) -> Option<Timestamp> {
    const LAST_SECOND: f64 = 95_617_584_000.0;
    let millis = if number > LAST_SECOND { number } else { number * 1000.0 };
    let is_time = (1000.0..=LAST_SECOND * 1000.0).contains(&millis);
    is_time.then(|| DateTime::from_timestamp_millis(millis as i64)).flatten()
}

fn missing(pointer: &str, what: &str) -> Unreadable {
    Unreadable::new(format!("{pointer} is missing, or is not {what}"), "pass on what the source sends, unchanged")
}
