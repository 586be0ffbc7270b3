//! A secret put into every place of everything that can be asked for or come of it: nowhere is it told.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::*;
use crate::domain::{OutputShape, TaskClass};

const SECRET: &str = "sk-Zx81/qq+private?";
const LABEL: &str = "[secret OPENAI_API_KEY]";

fn redactor() -> Redactor {
    let secrets = [("OPENAI_API_KEY", SECRET), ("TOO_SHORT", "k"), ("EMPTY", " ")];
    Redactor::new(secrets.map(|(name, value)| (name.to_owned(), value.to_owned()))).knowing(["read_file".to_owned()])
}

fn card(payload: &Value) -> Value {
    json!({
        "tool": "t", "class": "external", "repeat": "checkable", "verb": "push", "targets": ["t"],
        "environment": "remote", "risk": "low", "reversible": {"undo": "t"}, "payload": payload,
        "facts": {"url": "t", "subjects": ["t"], "sizes": {"t": "t"}}, "confinement": "t", "change": "t",
    })
}

fn result() -> Value {
    json!({
        "failure": "failed", "summary": "t", "diff": "t", "data": {"t": [{"t": "t", "n": 1}]},
        "output": {"head": "t", "tail": "t", "bytes": 9, "blob": "0".repeat(64)},
    })
}

fn prepared(preparation: &Value) -> Value {
    json!({ "call": 1, "approval": uuid::Uuid::nil(), "preparation": preparation })
}

/// One of every command, with every field there is.
fn commands() -> Vec<Value> {
    let id = uuid::Uuid::nil();
    let payloads = [
        json!({"kind": "exec", "argv": ["t"], "cwd": "t", "env": ["t"]}),
        json!({"kind": "patch", "path": "t", "before": "t", "diff": "t"}),
        json!({"kind": "delete", "paths": ["t"]}),
        json!({"kind": "arguments", "args": {"t": "t"}}),
    ];
    let verdict = json!({"verdict": "refuse", "rule": "t", "reason": "t"});
    let judged = payloads.iter().map(|payload| json!({"judged": {"card": card(payload), "verdict": verdict}}));
    let others = [
        json!({"question": {"text": "t", "choices": ["t"]}}),
        json!({"finish": {"summary": "t", "outcome": "failed"}}),
        json!({"mark": {"step": 1, "state": "done"}}),
        json!({"invalid": {"result": result()}}),
    ];
    let preparations: Vec<_> = judged.chain(others).map(|preparation| prepared(&preparation)).collect();
    let reply = json!({
        "model": "t", "text": "t", "refusal": "t", "finish": "stop",
        "calls": [{"provider_id": "t", "tool": "t", "args": {"t": ["t", 1, {"t": "t"}]}}],
        "carried": {"sender": "0", "message": {"t": "t"}, "calls": [{"t": ["t"]}]},
    });
    let spec = json!({
        "goal": "t", "agent": "t", "instructions": "t", "tools": ["t"],
        "workspace": {"root": "t", "repository": "t", "git_dir": "t", "branch": "t", "base": "t"},
        "procedure": [{"title": "t", "tool": "t", "args": {"t": "t"}}],
        "policies": [{"name": "t", "text": "t"}],
    });
    vec![
        json!({"command": "start", "run": id, "spec": spec}),
        json!({"command": "approve", "approval": id, "digest": "t"}),
        json!({"command": "deny", "approval": id, "reason": "t"}),
        json!({"command": "edit", "approval": id, "digest": "t", "args": {"t": {"t": "t"}}}),
        json!({"command": "answer", "approval": id, "text": "t"}),
        json!({"command": "settle", "approval": id, "settlement": "happened", "note": "t"}),
        json!({"command": "pause", "run": id}),
        json!({"command": "resume", "run": id}),
        json!({"command": "cancel", "run": id, "reason": "t"}),
        json!({"command": "proceed", "run": id, "prepared": preparations}),
        json!({"command": "turn_finished", "run": id, "turn": 1, "attempt": 1, "outcome": {"Ok": reply}}),
        json!({"command": "turn_finished", "run": id, "turn": 1, "attempt": 1,
               "outcome": {"Err": {"kind": "unauthorized", "message": "t", "hint": "t"}}}),
        json!({"command": "effect_finished", "run": id, "call": 1, "attempt": 1, "result": result()}),
        json!({"command": "drifted", "run": id, "call": 1, "attempt": 1, "prepared": preparations[1]}),
        json!({"command": "doubt", "run": id, "call": 1, "attempt": 1, "approval": id}),
        json!({"command": "recover", "run": id, "left": "t"}),
        json!({"command": "expire", "approval": id}),
    ]
}

/// What is taken as it is, since it means something else with a word of it replaced: where and how things run, and
/// what decisions are bound to.
const KEPT: [&str; 23] = [
    "/carried/sender",
    "/spec/agent",
    "/spec/tools",
    "/spec/workspace",
    "/spec/policies",
    "/spec/procedure/0/tool",
    "/digest",
    "/card/tool",
    "/card/verb",
    "/card/targets",
    "/card/facts/url",
    "/card/facts/",
    "/card/confinement",
    "/payload/argv",
    "/payload/cwd",
    "/payload/env",
    "/payload/path",
    "/payload/before",
    "/payload/args",
    "/verdict/",
    "/output/blob",
    "/command",
    "/run",
];

/// Every place where text can stand: strings, and the keys of objects.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) | Value::Number(_) => found.push(at.to_owned()),
        Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| places(item, &format!("{at}/{n}"), found)),
        Value::Object(fields) => {
            found.push(format!("{at}/NEW"));
            fields.iter().for_each(|(key, field)| places(field, &format!("{at}/{key}"), found));
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn with(value: &Value, place: &str, text: &str) -> Value {
    let mut changed = value.clone();
    match place.strip_suffix("/NEW") {
        Some(parent) => {
            let fields = changed.pointer_mut(parent).and_then(Value::as_object_mut).unwrap();
            fields.insert(text.to_owned(), json!(1));
        }
        None => *changed.pointer_mut(place).unwrap() = json!(text),
    }
    changed
}

#[test]
fn a_secret_in_any_field_of_any_command_is_told_nowhere() {
    let (redactor, mut tried) = (redactor(), 0);
    let forms =
        [SECRET.to_owned(), STANDARD.encode(SECRET), "sk-Zx81%2fqq%2Bprivate%3F".to_owned(), hex::encode(SECRET)];
    for command in commands() {
        serde_json::from_value::<Command>(command.clone()).unwrap();
        let mut found = Vec::new();
        places(&command, "", &mut found);
        for (place, form) in found.iter().flat_map(|place| forms.iter().map(move |form| (place, form))) {
            let text = format!("before: {form} after");
            // What is no text, such as an id, takes none.
            let Ok(mut with) = serde_json::from_value::<Command>(with(&command, place, &text)) else { continue };
            redactor.command(&mut with);
            let told = serde_json::to_string(&with).unwrap();
            let is_kept = KEPT.iter().any(|kept| place.contains(kept))
                && !place.contains("facts/subjects")
                && !place.contains("facts/sizes");
            assert!(is_kept || !told.contains(form), "{place} of {told}");
            tried += usize::from(!is_kept);
        }
    }
    assert!(tried > 200, "only {tried}");
}

#[test]
fn what_a_model_is_sent_is_searched_too() {
    let call = RequestedCall { provider_id: SECRET.to_owned(), tool: SECRET.to_owned(), args: json!({SECRET: SECRET}) };
    let text = || format!("a {SECRET}");
    let carried = Carried { sender: String::new(), message: json!({"reasoning": text()}), calls: vec![json!(text())] };
    let messages = vec![
        Message::System(text()),
        Message::User(text()),
        Message::Assistant { text: text(), calls: vec![call], carried: Some(carried) },
        Message::Tool { provider_id: text(), tool: text(), text: text() },
    ];
    let (class, shape) = (TaskClass::Code, OutputShape::Free);
    let mut request = ModelRequest { class, messages, tools: Vec::new(), shape, max_output_tokens: None };
    redactor().request(&mut request);
    let told = format!("{:?}", request.messages);
    assert!(!told.contains(SECRET) && told.matches(LABEL).count() == 12, "{told}");
}

#[test]
fn keys_that_differ_in_a_secret_only_stay_two_and_numbers_may_be_secrets() {
    let redactor = Redactor::new([("A".to_owned(), "secret-1".to_owned()), ("PIN".to_owned(), "12345678".to_owned())]);
    let mut value = json!({"secret-1": 1, "secret\\u002d1": 2, "pin": 12_345_678, "other": 1});
    redactor.value(&mut value);
    assert_eq!(value, json!({"[secret A]": 1, "[secret A] 2": 2, "pin": "[secret PIN]", "other": 1}));
}

#[test]
fn the_change_on_a_card_is_searched_and_what_will_run_is_left_alone() {
    let payload = json!({"kind": "arguments", "args": {}});
    let mut card: EffectCard = serde_json::from_value(card(&payload)).unwrap();
    card.targets = vec![SECRET.into()];
    card.change = Some(format!("+key={SECRET}\n").into());
    redactor().card(&mut card);
    assert_eq!(card.change.unwrap().raw(), "+key=[secret OPENAI_API_KEY]\n");
    assert_eq!(card.targets[0].raw(), SECRET);
}

#[test]
fn a_tool_that_is_ours_keeps_its_name() {
    let redactor = Redactor::new([("A".to_owned(), "read_file".to_owned())]).knowing(["read_file".to_owned()]);
    let (mut ours, mut theirs) = ("read_file".to_owned(), "x.read_file".to_owned());
    redactor.tool(&mut ours);
    redactor.tool(&mut theirs);
    assert_eq!((ours.as_str(), theirs.as_str()), ("read_file", "x.[secret A]"));
}

#[test]
fn a_secret_at_the_place_where_an_output_was_shortened_is_not_told_by_half() {
    let (half, rest) = SECRET.split_at(9);
    let output =
        Output { head: format!("a {half}").into(), tail: format!("{rest} b").into(), bytes: 9_000, blob: None };
    let mut result = ToolResult::success("done", output);
    redactor().result(&mut result);
    assert_eq!(result.output.head.raw(), format!("a {LABEL}"));
    assert_eq!(result.output.tail.raw(), format!("{LABEL} b"));
}

#[test]
fn a_refusal_quotes_no_secret() {
    let rejection = Rejection::new(crate::domain::RejectionKind::NotSaved, format!("not saved: {SECRET}")).hint(SECRET);
    let told = redactor().rejection(rejection);
    assert_eq!((told.message, told.hint), (format!("not saved: {LABEL}"), LABEL.to_owned()));
}
