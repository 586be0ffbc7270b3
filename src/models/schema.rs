//! JSON Schemas in the subset that strict structured output takes, and answers brought back from it.
//!
//! Strict output wants every property required, none additional and no references. An optional property becomes
//! one that may be null; `prune` takes those nulls out of the answer again.

use serde_json::{Map, Value, json};

/// Keywords that say nothing a grammar could enforce, and that strict servers refuse.
const IDLE_KEYWORDS: [&str; 8] = ["$schema", "$id", "$defs", "definitions", "title", "default", "format", "examples"];

/// A schema ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StrictSchema {
    pub schema: Value,
    /// Whether all of it could be made strict; a free-form object cannot.
    pub strictness: Strictness,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    Strict,
    Loose,
}

/// Brings a schema into the strict subset as far as that goes.
pub(super) fn strict(schema: &Value) -> StrictSchema {
    let mut strictness = Strictness::Strict;
    let schema = tighten(&inline(schema), &mut strictness);
    StrictSchema { schema, strictness }
}

/// The schema with every local reference replaced by what it refers to.
pub(super) fn inline(schema: &Value) -> Value {
    inline_below(schema, schema, &mut Vec::new())
}

/// Takes out members that are null only because the strict schema had to require them.
pub(super) fn prune(value: &mut Value, schema: &Value) {
    let schema = inline(schema);
    prune_by(value, &schema);
}

/// `open` are the references being followed: one that refers to itself ends there, with anything allowed.
fn inline_below<'a>(schema: &'a Value, root: &'a Value, open: &mut Vec<&'a str>) -> Value {
    match schema {
        Value::Object(members) => {
            let Some(target) = members.get("$ref").and_then(Value::as_str) else {
                let inlined = members.iter().map(|(name, value)| (name.clone(), inline_below(value, root, open)));
                return inlined.collect();
            };
            let found = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
            let Some(found) = found.filter(|_| !open.contains(&target)) else { return json!({}) };
            open.push(target);
            let inlined = inline_below(found, root, open);
            open.pop();
            inlined
        }
        Value::Array(items) => items.iter().map(|item| inline_below(item, root, open)).collect(),
        plain => plain.clone(),
    }
}

fn tighten(schema: &Value, strictness: &mut Strictness) -> Value {
    let Value::Object(members) = schema else {
        *strictness = Strictness::Loose;
        return json!({});
    };
    if members.is_empty() || members.contains_key("allOf") || members.contains_key("patternProperties") {
        *strictness = Strictness::Loose;
    }
    let mut tight = Map::new();
    for (keyword, value) in members {
        match (keyword.as_str(), value) {
            (idle, _) if IDLE_KEYWORDS.contains(&idle) => {}
            ("oneOf" | "anyOf", Value::Array(choices)) => {
                let choices = choices.iter().map(|choice| tighten(choice, strictness)).collect();
                tight.insert("anyOf".to_owned(), choices);
            }
            ("items", items) => {
                tight.insert(keyword.clone(), tighten(items, strictness));
            }
            ("properties" | "required" | "additionalProperties", _) => {}
            _ => {
                tight.insert(keyword.clone(), value.clone());
            }
        }
    }
    if is_object(members) {
        tighten_object(members, &mut tight, strictness);
    }
    Value::Object(tight)
}

fn tighten_object(members: &Map<String, Value>, tight: &mut Map<String, Value>, strictness: &mut Strictness) {
    let open = members.get("additionalProperties").is_some_and(|additional| *additional != Value::Bool(false));
    let Some(Value::Object(properties)) = members.get("properties").filter(|_| !open) else {
        let closed = members.get("additionalProperties") == Some(&Value::Bool(false));
        if closed {
            tight.extend([("properties".to_owned(), json!({})), ("required".to_owned(), json!([]))]);
            tight.insert("additionalProperties".to_owned(), json!(false));
        } else {
            *strictness = Strictness::Loose;
        }
        return;
    };
    let mut tight_properties = Map::new();
    for (name, property) in properties {
        let property_schema = tighten(property, strictness);
        let shown = if is_required(members, name) { property_schema } else { nullable(property_schema) };
        tight_properties.insert(name.clone(), shown);
    }
    let names: Vec<Value> = properties.keys().map(|name| json!(name)).collect();
    tight.insert("properties".to_owned(), Value::Object(tight_properties));
    tight.insert("required".to_owned(), Value::Array(names));
    tight.insert("additionalProperties".to_owned(), json!(false));
}

fn nullable(schema: Value) -> Value {
    let has_null = |value: &Value| {
        value == "null" || value.as_array().is_some_and(|types| types.iter().any(|kind| kind == "null"))
    };
    let choices = schema.get("anyOf").and_then(Value::as_array);
    let null_choice =
        choices.is_some_and(|choices| choices.iter().any(|choice| choice.get("type").is_some_and(has_null)));
    if null_choice || schema.get("type").is_some_and(has_null) {
        return schema;
    }
    json!({ "anyOf": [schema, { "type": "null" }] })
}

fn is_object(members: &Map<String, Value>) -> bool {
    members.get("type").is_some_and(|kind| kind == "object") || members.contains_key("properties")
}

fn is_required(members: &Map<String, Value>, name: &str) -> bool {
    let required = members.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|required| required == name))
}

fn prune_by(value: &mut Value, schema: &Value) {
    match value {
        Value::Array(items) => {
            if let Some(item_schema) = schema.get("items") {
                items.iter_mut().for_each(|item| prune_by(item, item_schema));
            }
        }
        Value::Object(members) => {
            let Some(object) = schema.as_object() else { return };
            for choice in ["anyOf", "oneOf"].into_iter().filter_map(|keyword| object.get(keyword)?.as_array()).flatten()
            {
                if choice.get("properties").is_some() {
                    prune_members(members, choice);
                }
            }
            prune_members(members, schema);
        }
        _ => {}
    }
}

fn prune_members(members: &mut Map<String, Value>, schema: &Value) {
    let Some((object, properties)) = schema.as_object().zip(schema.get("properties").and_then(Value::as_object)) else {
        return;
    };
    members.retain(|name, member| !member.is_null() || !properties.contains_key(name) || is_required(object, name));
    for (name, member) in members.iter_mut() {
        if let Some(property) = properties.get(name) {
            prune_by(member, property);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Value {
        json!({
            "$schema": "x", "title": "Plan", "type": "object", "required": ["steps"],
            "properties": { "steps": { "type": "array", "items": { "$ref": "#/$defs/Step" } } },
            "$defs": { "Step": {
                "type": "object", "required": ["action"],
                "properties": {
                    "action": { "type": "string" },
                    "title": { "type": "string", "default": "" },
                    "after": { "type": ["array", "null"], "items": { "type": "integer", "format": "uint32" } },
                },
            } },
        })
    }

    #[test]
    fn a_schema_becomes_strict_without_losing_a_property() {
        let StrictSchema { schema, strictness } = strict(&plan());
        assert_eq!(strictness, Strictness::Strict);
        assert_eq!(schema["additionalProperties"], json!(false));
        assert!(schema.get("title").is_none() && schema.get("$defs").is_none());
        let step = &schema["properties"]["steps"]["items"];
        let mut required: Vec<_> = step["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        required.sort_unstable();
        assert_eq!(required, ["action", "after", "title"]);
        assert_eq!(step["properties"]["title"], json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }));
        assert_eq!(step["properties"]["after"], json!({ "type": ["array", "null"], "items": { "type": "integer" } }));
    }

    #[test]
    fn nulls_that_strictness_forced_are_taken_out_again() {
        let mut value = json!({ "steps": [{ "action": null, "title": null, "after": [1], "extra": null }] });
        prune(&mut value, &plan());
        assert_eq!(value, json!({ "steps": [{ "action": null, "after": [1], "extra": null }] }));
    }

    #[test]
    fn a_free_form_object_cannot_be_strict() {
        let schema = json!({ "type": "object", "required": ["env"], "properties": { "env": { "type": "object" } } });
        let result = strict(&schema);
        assert_eq!(result.strictness, Strictness::Loose);
        assert_eq!(result.schema["properties"]["env"], json!({ "type": "object" }));
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({ "$ref": "#/$defs/Node", "$defs": { "Node": {
            "type": "object", "properties": { "next": { "$ref": "#/$defs/Node" } }, "required": ["next"],
        } } });
        assert_eq!(strict(&schema).strictness, Strictness::Loose);
    }
}
