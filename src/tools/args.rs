//! From a Rust struct to a tool's JSON schema, and from a model's arguments back to the struct.
//!
//! The struct is the only place an argument is described; a call that does not fit is answered in words a model
//! can act on: which argument, what was given, what the schema wants.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::{EffectClass, FailureKind, Output, Repeat, ToolName, ToolResult, ToolSpec};

/// The spec of a tool whose arguments are an `A`. `class` is the most it may touch; a card may be milder.
pub fn spec<A: JsonSchema>(name: &str, class: EffectClass, repeat: Repeat, description: &str) -> ToolSpec {
    ToolSpec {
        name: ToolName(name.to_owned()),
        description: description.to_owned(),
        parameters: schema::<A>(),
        class,
        repeat,
    }
}

/// JSON Schema of `A` as models understand it best: one object, nothing by reference, no nulls, no extras.
fn schema<A: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<A>().to_value();
    if let Some(object) = schema.as_object_mut() {
        object.remove("title");
        object.remove("description");
        object.entry("properties").or_insert_with(|| Value::Object(serde_json::Map::new()));
    }
    simplify(&mut schema);
    schema
}

/// Drops what only confuses small models: `null` beside a type (leaving the argument out says the same) and the
/// width of integers.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.remove("format");
            if object.get("default").is_some_and(Value::is_null) {
                object.remove("default");
            }
            let single = object.get("type").and_then(Value::as_array).and_then(|types| {
                let mut named = types.iter().filter(|name| *name != "null");
                named.next().filter(|_| named.next().is_none()).cloned()
            });
            if let Some(single) = single {
                object.insert("type".to_owned(), single);
            }
            if let Some(choices) = object.get_mut("enum").and_then(Value::as_array_mut) {
                choices.retain(|choice| !choice.is_null());
            }
            let alternatives = object.get("anyOf").and_then(Value::as_array).cloned().unwrap_or_default();
            let mut real = alternatives.into_iter().filter(|one| one["type"] != "null");
            if let (Some(Value::Object(only)), None) = (real.next(), real.next()) {
                object.remove("anyOf");
                object.extend(only);
            }
            object.values_mut().for_each(simplify);
        }
        Value::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

/// Reads `args` as an `A`, or says what is wrong with them.
pub fn parse<A: DeserializeOwned>(spec: &ToolSpec, args: &Value) -> Result<A, ToolResult> {
    // Models leave the arguments of a tool without required ones out in three ways.
    let empty = Value::Object(serde_json::Map::new());
    let args = if args.is_null() || args == "" { &empty } else { args };
    if let Some(problem) = spec.misfit(args) {
        return Err(bad_call(spec, &problem));
    }
    A::deserialize(args).map_err(|error| bad_call(spec, &error.to_string()))
}

/// What is wrong with a call, and what the tool takes.
pub fn bad_call(spec: &ToolSpec, problem: &str) -> ToolResult {
    let mut result = ToolResult::failure(FailureKind::BadCall, format!("{}: {problem}", spec.name));
    result.output = Output::text(format!("{problem}\n{} takes: {}", spec.name, spec.signature()));
    result
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Args {
        path: String,
        #[schemars(range(min = 1))]
        lines: Option<u32>,
        way: Option<Way>,
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Way {
        Up,
        Down,
    }

    fn said(args: Value) -> String {
        let spec = spec::<Args>("read_file", EffectClass::Observe, Repeat::Repeatable, "Reads.");
        let result = parse::<Args>(&spec, &args).unwrap_err();
        assert_eq!(result.failure, Some(FailureKind::BadCall));
        result.summary.raw().to_owned()
    }

    #[test]
    fn the_schema_is_plain() {
        let schema = schema::<Args>();
        assert_eq!(
            schema,
            json!({
                "type": "object", "additionalProperties": false, "required": ["path"],
                "properties": {
                    "path": {"type": "string"},
                    "lines": {"type": "integer", "minimum": 1},
                    "way": {"type": "string", "enum": ["up", "down"]},
                },
            })
        );
    }

    #[test]
    fn a_bad_call_says_which_argument_and_what_is_wanted() {
        assert_eq!(said(json!([1])), "read_file: the arguments must be a JSON object, not the list [1]");
        assert!(said(json!("{not json")).contains("are not valid JSON (key must be a string at line 1 column 2)"));
        let cut = format!("{{\"path\": \"big{}", crate::domain::OVERLONG);
        assert!(said(json!(cut)).contains("longer than 1 MiB"));
        assert_eq!(said(json!({})), "read_file: missing path");
        assert_eq!(said(json!({"paht": "a"})), "read_file: unknown argument \"paht\"; did you mean \"path\"?");
        assert_eq!(said(json!({"path": 3})), "read_file: \"path\" must be a string, not the number 3");
        assert_eq!(
            said(json!({"path": "a", "lines": 0})),
            "read_file: \"lines\" must be an integer of at least 1, not the number 0"
        );
        assert_eq!(
            said(json!({"path": "a", "way": "left"})),
            "read_file: \"way\" must be one of \"up\", \"down\", not the string \"left\""
        );
    }

    #[test]
    fn a_bad_call_shows_the_signature() {
        let spec = spec::<Args>("read_file", EffectClass::Observe, Repeat::Repeatable, "Reads.");
        let result = parse::<Args>(&spec, &json!({})).unwrap_err();
        assert_eq!(
            result.output.head.raw(),
            "missing path\nread_file takes: {path: string, lines?: integer, way?: \"up\" | \"down\"}"
        );
    }

    #[test]
    fn null_and_absent_mean_the_same() {
        let spec = spec::<Args>("read_file", EffectClass::Observe, Repeat::Repeatable, "Reads.");
        let args = parse::<Args>(&spec, &json!({"path": "a", "lines": null})).unwrap();
        assert_eq!(args, Args { path: "a".to_owned(), lines: None, way: None });
    }
}
