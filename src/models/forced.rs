//! Tool calls for models that cannot be trusted with the protocol's own: one JSON object that is either text or
//! a call of exactly one tool, enforced by a schema where the server can, asked for in words where it cannot.
//!
//! Member names are chosen so that alphabetical order is also the order in which a model should decide:
//! servers generate properties in the schema's order, and `tool` has to come before `with`.

use serde_json::{Value, json};

use super::calls::parse_arguments;
use super::schema;
use super::schema::{StrictSchema, Strictness};
use crate::domain::{Message, RequestedCall, ToolSpec};

/// What a forced answer turned out to be.
#[derive(Debug, PartialEq)]
pub(super) enum ForcedAnswer {
    Say(String),
    Call { tool: String, args: Value },
}

/// The schema of an answer: any of the tools, or text.
pub(super) fn answer_schema(tools: &[ToolSpec]) -> StrictSchema {
    let mut strictness = Strictness::Strict;
    let mut choices: Vec<Value> = tools
        .iter()
        .map(|tool| {
            let with = schema::strict(&closed(&tool.parameters));
            if with.strictness == Strictness::Loose {
                strictness = Strictness::Loose;
            }
            let name = json!({ "type": "string", "enum": [tool.name.0] });
            object(json!({ "tool": name, "with": with.schema }))
        })
        .collect();
    choices.push(object(json!({ "say": { "type": "string" } })));
    StrictSchema { schema: object(json!({ "next": { "anyOf": choices } })), strictness }
}

/// What the system message must say, since a grammar restricts a model without telling it anything.
pub(super) fn instruction(tools: &[ToolSpec]) -> String {
    let mut text = String::from(
        "Answer with exactly one JSON object and nothing else, in one of these two forms:\n\
         {\"next\":{\"tool\":\"NAME\",\"with\":{ARGUMENTS}}} calls a tool; its result is the next message you get.\n\
         {\"next\":{\"say\":\"TEXT\"}} says something and calls nothing.\n\
         The tools, each with the JSON Schema of its arguments:",
    );
    for tool in tools {
        let parameters = schema::inline(&tool.parameters);
        text.push_str(&format!("\n- {}: {} {}", tool.name.0, tool.description.trim(), parameters));
    }
    text
}

/// The conversation with calls and results as ordinary messages, in the form the model is asked to answer in.
pub(super) fn plain_messages(messages: &[Message]) -> Vec<Message> {
    messages
        .iter()
        .map(|message| match message {
            Message::Assistant { text, calls, carried } => {
                Message::Assistant { text: spoken(text, calls), calls: Vec::new(), carried: carried.clone() }
            }
            Message::Tool { tool, text, .. } => Message::User(format!("Result of {tool}:\n{text}")),
            other => other.clone(),
        })
        .collect()
}

/// Reads an answer back. Near misses are understood; anything else is plain text.
pub(super) fn read_answer(text: &str, tools: &[ToolSpec]) -> ForcedAnswer {
    let Some(answer) = find_object(text) else { return ForcedAnswer::Say(text.trim().to_owned()) };
    let next = answer.get("next").unwrap_or(&answer);
    let member = |names: &[&str]| names.iter().find_map(|name| next.get(name));
    if let Some(tool) = member(&["tool", "name"]).and_then(Value::as_str) {
        let args = match member(&["with", "args", "arguments", "parameters"]) {
            Some(Value::String(text)) => parse_arguments(text),
            Some(args @ Value::Object(_)) => pruned(args.clone(), tool, tools),
            Some(Value::Null) | None => json!({}),
            Some(other) => Value::String(other.to_string()),
        };
        return ForcedAnswer::Call { tool: tool.to_owned(), args };
    }
    match member(&["say"]).and_then(Value::as_str).or(next.as_str()) {
        Some(said) => ForcedAnswer::Say(said.to_owned()),
        None => ForcedAnswer::Say(text.trim().to_owned()),
    }
}

/// The first JSON object in a text, which may be fenced or surrounded by chatter.
pub(super) fn find_object(text: &str) -> Option<Value> {
    /// Places where an object might begin that are tried: each costs at most a pass over the text.
    const MOST_TRIES: usize = 32;
    text.match_indices('{').take(MOST_TRIES).find_map(|(at, _)| {
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        values.next()?.ok().filter(Value::is_object)
    })
}

fn pruned(mut args: Value, tool: &str, tools: &[ToolSpec]) -> Value {
    if let Some(spec) = tools.iter().find(|spec| spec.name.0 == tool) {
        schema::prune(&mut args, &spec.parameters);
    }
    args
}

fn spoken(text: &str, calls: &[RequestedCall]) -> String {
    let mut lines = Vec::new();
    if !text.is_empty() {
        lines.push(json!({ "next": { "say": text } }).to_string());
    }
    lines.extend(calls.iter().map(|call| json!({ "next": { "tool": call.tool, "with": call.args } }).to_string()));
    lines.join("\n")
}

/// A tool that names no property takes none: an empty object, not a free-form one.
fn closed(parameters: &Value) -> Value {
    let mut parameters = parameters.clone();
    if parameters.get("properties").is_none()
        && let Some(members) = parameters.as_object_mut()
    {
        members.insert("additionalProperties".to_owned(), json!(false));
    }
    parameters
}

fn object(properties: Value) -> Value {
    let required: Vec<&String> = properties.as_object().map(|members| members.keys().collect()).unwrap_or_default();
    json!({ "type": "object", "required": required, "additionalProperties": false, "properties": properties })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EffectClass, Repeat, ToolName};

    fn tools() -> Vec<ToolSpec> {
        let tool = |name: &str, parameters| ToolSpec {
            name: ToolName(name.to_owned()),
            description: "Does it.".to_owned(),
            parameters,
            class: EffectClass::Observe,
            repeat: Repeat::Repeatable,
        };
        let search = json!({ "type": "object", "required": ["pattern"], "properties": {
            "pattern": { "type": "string" }, "path": { "type": "string" },
        } });
        vec![tool("search", search), tool("git_status", json!({ "type": "object" }))]
    }

    fn call(tool: &str, args: Value) -> ForcedAnswer {
        ForcedAnswer::Call { tool: tool.to_owned(), args }
    }

    #[test]
    fn the_schema_offers_every_tool_and_plain_text() {
        let StrictSchema { schema, strictness } = answer_schema(&tools());
        assert_eq!(strictness, Strictness::Strict);
        let choices = schema["properties"]["next"]["anyOf"].as_array().unwrap();
        assert_eq!(choices.len(), 3);
        assert_eq!(choices[0]["properties"]["tool"]["enum"], json!(["search"]));
        assert_eq!(choices[0]["properties"]["with"]["required"].as_array().unwrap().len(), 2);
        assert_eq!(choices[1]["properties"]["with"]["properties"], json!({}));
        assert_eq!(choices[2]["required"], json!(["say"]));
    }

    #[test]
    fn answers_are_read_however_they_are_wrapped() {
        let read = |text: &str| read_answer(text, &tools());
        let clean = r#"{"next":{"tool":"search","with":{"pattern":"x","path":null}}}"#;
        assert_eq!(read(clean), call("search", json!({ "pattern": "x" })));
        assert_eq!(read(&format!("Sure!\n```json\n{clean}\n```")), call("search", json!({ "pattern": "x" })));
        assert_eq!(read(r#"{"tool":"git_status"}"#), call("git_status", json!({})));
        assert_eq!(read(r#"{"name":"search","arguments":"{\"pattern\":1}"}"#), call("search", json!({ "pattern": 1 })));
        assert_eq!(read(r#"{"next":{"say":"hi"}}"#), ForcedAnswer::Say("hi".to_owned()));
        assert_eq!(read(" just words "), ForcedAnswer::Say("just words".to_owned()));
        assert_eq!(read(r#"{"unrelated":1}"#), ForcedAnswer::Say(r#"{"unrelated":1}"#.to_owned()));
    }

    #[test]
    fn earlier_calls_and_results_become_ordinary_messages() {
        let args = json!({ "pattern": "x" });
        let requested = RequestedCall { provider_id: "a".to_owned(), tool: "search".to_owned(), args };
        let messages = plain_messages(&[
            Message::Assistant { text: String::new(), calls: vec![requested], carried: None },
            Message::Tool { provider_id: "a".to_owned(), tool: "search".to_owned(), text: "found".to_owned() },
        ]);
        let spoken = r#"{"next":{"tool":"search","with":{"pattern":"x"}}}"#.to_owned();
        assert_eq!(messages[0], Message::Assistant { text: spoken, calls: Vec::new(), carried: None });
        assert_eq!(messages[1], Message::User("Result of search:\nfound".to_owned()));
    }
}
