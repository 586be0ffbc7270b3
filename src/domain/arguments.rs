//! Whether arguments are what a tool takes, and if not, in words: which one, what was given, what is wanted.

use serde_json::Value;

use super::fault::nearest;
use super::tool::ToolSpec;

/// Ends what is kept of arguments that were too long to be taken.
pub const OVERLONG: &str = "… (cut: longer than 1 MiB)";

impl ToolSpec {
    /// The first argument that does not fit the schema; `None` when all do. Looks into lists; deeper misfits are left to
    /// the tool itself.
    pub fn misfit(&self, args: &Value) -> Option<String> {
        let Some(given) = args.as_object() else {
            return Some(no_object(args));
        };
        let properties = self.parameters["properties"].as_object()?;
        for (name, value) in given {
            let Some(wanted) = properties.get(name) else {
                let close = nearest(name, properties.keys().map(String::as_str));
                let instead = close.map(|close| format!("; did you mean {close:?}?")).unwrap_or_default();
                return Some(format!("unknown argument {name:?}{instead}"));
            };
            let misfit = (!value.is_null()).then(|| misfit(&format!("{name:?}"), wanted, value)).flatten();
            if misfit.is_some() {
                return misfit;
            }
        }
        let required = self.parameters["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let missing: Vec<_> = required.filter(|name| given.get(*name).is_none_or(Value::is_null)).collect();
        (!missing.is_empty()).then(|| format!("missing {}", missing.join(", ")))
    }

    /// `{path: string, lines?: integer}`.
    pub fn signature(&self) -> String {
        let required = self.parameters["required"].as_array();
        let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|required| required == name));
        let properties = self.parameters["properties"].as_object();
        let fields: Vec<String> = properties
            .into_iter()
            .flatten()
            .map(|(name, wanted)| {
                let mark = if is_required(name) { "" } else { "?" };
                format!("{name}{mark}: {}", type_name(wanted))
            })
            .collect();
        format!("{{{}}}", fields.join(", "))
    }
}

/// A string is what a model sent in place of JSON, or as much of it as was kept.
fn no_object(args: &Value) -> String {
    match args {
        Value::String(text) if text.ends_with(OVERLONG) => {
            "the arguments are longer than 1 MiB, the most that one call may have; do it in several calls".to_owned()
        }
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Err(error) => format!("the arguments are not valid JSON ({error}): {}", described(args)),
            Ok(_) => format!("the arguments must be a JSON object, not {}", described(args)),
        },
        _ => format!("the arguments must be a JSON object, not {}", described(args)),
    }
}

/// What is wrong with the value at `place`; of a list, its first item that does not fit.
fn misfit(place: &str, wanted: &Value, value: &Value) -> Option<String> {
    if let (Some("array"), Some(items)) = (wanted["type"].as_str(), value.as_array()) {
        let mut items = items.iter().enumerate();
        return items.find_map(|(index, item)| misfit(&format!("{place}[{index}]"), &wanted["items"], item));
    }
    (!fits(wanted, value)).then(|| format!("{place} must be {}, not {}", article(wanted), described(value)))
}

fn fits(wanted: &Value, value: &Value) -> bool {
    let typed = match wanted["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer") => {
            value.as_i64().is_some_and(|number| wanted["minimum"].as_i64().is_none_or(|least| number >= least))
        }
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    typed && wanted["enum"].as_array().is_none_or(|choices| choices.contains(value))
}

fn article(wanted: &Value) -> String {
    if let Some(choices) = wanted["enum"].as_array() {
        return format!("one of {}", choices.iter().map(Value::to_string).collect::<Vec<_>>().join(", "));
    }
    match wanted["type"].as_str() {
        Some("integer") if wanted["minimum"].is_i64() => format!("an integer of at least {}", wanted["minimum"]),
        Some("integer") => "an integer".to_owned(),
        Some("array") => format!("a list in which each item is {}", article(&wanted["items"])),
        Some("object") => "an object".to_owned(),
        Some(other) => format!("a {other}"),
        None => "something else".to_owned(),
    }
}

fn described(value: &Value) -> String {
    let text = value.to_string();
    let shown = match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => format!("the boolean {shown}"),
        Value::Number(_) => format!("the number {shown}"),
        Value::String(_) => format!("the string {shown}"),
        Value::Array(_) => format!("the list {shown}"),
        Value::Object(_) => format!("the object {shown}"),
    }
}

fn type_name(wanted: &Value) -> String {
    if let Some(choices) = wanted["enum"].as_array() {
        return choices.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ");
    }
    match wanted["type"].as_str() {
        Some("array") => format!("[{}]", type_name(&wanted["items"])),
        other => other.unwrap_or("any").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{EffectClass, Repeat, ToolName};

    #[test]
    fn a_misfit_names_the_place_down_to_the_item() {
        let strings = json!({ "type": "array", "items": { "type": "string" } });
        let spec = ToolSpec {
            name: ToolName("shell".to_owned()),
            description: String::new(),
            parameters: json!({ "type": "object", "required": ["argv"], "properties": { "argv": strings } }),
            class: EffectClass::Host,
            repeat: Repeat::Once,
        };
        let said = |args: Value| spec.misfit(&args);
        assert_eq!(said(json!({ "argv": ["ls", "-l"] })), None);
        let expected = "\"argv\"[1] must be a string, not the number 3";
        assert_eq!(said(json!({ "argv": ["ls", 3] })).as_deref(), Some(expected));
        let expected = "\"argv\" must be a list in which each item is a string, not the string \"ls\"";
        assert_eq!(said(json!({ "argv": "ls" })).as_deref(), Some(expected));
        assert_eq!(said(json!({ "⟨": 1 })).as_deref(), Some("unknown argument \"⟨\""), "views mark it");
        assert_eq!(said(json!({ "argv": "⏎\n" })).map(|said| said.ends_with("the string \"⏎\\n\"")), Some(true));
        assert_eq!(spec.signature(), "{argv: [string]}");
    }
}
