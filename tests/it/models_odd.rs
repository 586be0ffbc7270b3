//! Servers that have their own way with the protocol: what they send, and what they insist on getting back.

use std::sync::atomic::{AtomicUsize, Ordering};

use morningai::domain::{Message, ModelFailure, ModelReply, RequestedCall};
use morningai::ports::{Model, ModelRequest};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::models::{Seen, ask, request, router, settings};
use crate::support::machine::Machine;
use crate::support::scripted_model::{Script, ScriptedModel, Turn, story};

/// Pieces as an event stream.
fn events(pieces: &[Value]) -> String {
    pieces.iter().map(|piece| format!("data: {piece}\n\n")).chain(["data: [DONE]\n\n".to_owned()]).collect()
}

/// Deltas as an event stream that ends as usual.
fn deltas(deltas: &[Value]) -> String {
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let pieces = deltas.iter().map(|delta| json!({"choices": [{"index": 0, "delta": delta}]}));
    events(&pieces.chain([end]).collect::<Vec<_>>())
}

fn stream(body: &str) -> Turn {
    Turn::raw(200, "text/event-stream", body)
}

async fn answer(turn: Turn) -> Result<ModelReply, ModelFailure> {
    ask(&ScriptedModel::start(Script::new().forever(turn)), &Seen::default()).await
}

#[tokio::test]
async fn a_byte_order_mark_before_an_answer_is_no_part_of_it() {
    let words = deltas(&[json!({"content": "hi"})]);
    let document = json!({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}).to_string();
    for (kind, body) in [("text/event-stream", &words), ("application/json", &document), ("text/plain", &document)] {
        for marks in ["", "\u{feff}"] {
            let reply = answer(Turn::raw(200, kind, &format!("{marks}{body}"))).await.unwrap();
            assert_eq!(reply.text.raw(), "hi", "{kind}");
        }
    }
    let error = "\u{feff}{\"error\":{\"message\":\"no such model\"}}";
    let failure = answer(Turn::raw(404, "application/json", error)).await.unwrap_err();
    assert!(failure.message.raw().ends_with("answered 404: no such model"), "{failure:?}");
}

#[tokio::test]
async fn a_report_of_failure_in_any_shape_is_told_in_its_words() {
    let shapes = [
        json!({"error": {"message": "GPU on fire"}}),
        json!({"error": "GPU on fire"}),
        json!([{"error": {"message": "GPU on fire"}}]),
        json!({"errors": [{"message": "GPU on fire"}]}),
        json!({"errors": ["GPU on fire"]}),
        json!({"detail": "GPU on fire"}),
        json!({"detail": [{"loc": ["body"], "msg": "GPU on fire"}]}),
        json!({"message": "GPU on fire"}),
        json!({"object": "error", "message": "GPU on fire", "code": 500}),
        json!({"error": 7, "message": "GPU on fire"}),
        json!("GPU on fire"),
    ];
    for shape in shapes {
        let half = json!({"choices": [{"delta": {"content": "half"}}]});
        let bodies = [
            ("application/json", shape.to_string()),
            ("text/plain", shape.to_string()),
            ("text/event-stream", events(std::slice::from_ref(&shape))),
            ("text/event-stream", events(&[half, shape.clone()])),
        ];
        for (kind, body) in bodies {
            let failure = answer(Turn::raw(200, kind, &body)).await.unwrap_err();
            assert!(failure.message.raw().contains("GPU on fire"), "{kind} {body}: {failure:?}");
        }
    }
    let failure = answer(stream("data: upstream said no\n\n")).await.unwrap_err();
    assert!(failure.message.raw().contains("upstream said no"), "{failure:?}");
}

#[tokio::test]
async fn odd_numbers_and_wrapped_arguments_are_understood() {
    let call = |id: Value, arguments: &str| json!({"tool_calls": [{"index": "0", "id": id, "function": {"name": "read_file", "arguments": arguments}}]});
    let wrapped = json!(r#"{"path":"b"}"#).to_string();
    let body = deltas(&[call(Value::Null, r#"{"path":"a"}"#), call(Value::Null, &wrapped)]);
    let reply = answer(stream(&body)).await.unwrap();
    let made: Vec<_> = reply.calls.iter().map(|call| (call.tool.as_str(), &call.args)).collect();
    assert_eq!(made, [("read_file", &json!({"path": "a"})), ("read_file", &json!({"path": "b"}))]);
    assert_ne!(reply.calls[0].provider_id, reply.calls[1].provider_id);

    let usage = json!({"choices": [], "usage": {"prompt_tokens": "5", "completion_tokens": 2.0}});
    let choice = json!({"choices": [{"index": "0", "delta": {"content": "x"}, "finish_reason": ""}]});
    let reply = answer(stream(&events(&[choice, usage]))).await.unwrap();
    assert_eq!(reply.usage.map(|usage| (usage.input, usage.output)), Some((5, 2)));
}

/// A turn of a thinking model, in the fields of several providers.
fn thought() -> Turn {
    let call = json!({"index": 0, "id": "c1", "type": "function", "function": {"name": "git_status", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "sig=="}}});
    let detail = |text: &str, signature: Value| json!({"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": text, "signature": signature}]});
    stream(&deltas(&[
        json!({"role": "assistant", "content": null, "reasoning_content": "I "}),
        json!({"reasoning_content": "look."}),
        detail("Let ", Value::Null),
        detail("me.", json!("s1")),
        json!({"thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "s2"}], "x_own": {"a": 1}}),
        json!({"tool_calls": [call]}),
    ]))
}

fn expected_back() -> Value {
    json!({
        "role": "assistant", "content": null, "reasoning_content": "I look.",
        "reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "Let me.", "signature": "s1"}],
        "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "s2"}], "x_own": {"a": 1},
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "git_status", "arguments": "{}"},
            "extra_content": {"google": {"thought_signature": "sig=="}}}],
    })
}

/// The next turn's request after `reply`, through its stored form.
fn next(reply: &ModelReply) -> ModelRequest {
    let stored = serde_json::to_string(reply).unwrap();
    let reply: ModelReply = serde_json::from_str(&stored).unwrap();
    let mut request = request();
    let result =
        Message::Tool { provider_id: "c1".to_owned(), tool: "git_status".to_owned(), text: "clean".to_owned() };
    let (text, calls, carried) = (reply.text.into_raw(), reply.calls, reply.carried);
    request.messages.extend([Message::Assistant { text, calls, carried }, result]);
    request
}

#[tokio::test]
async fn what_a_model_sent_beside_its_answer_goes_back_to_it_and_to_nobody_else() {
    let server = ScriptedModel::start(Script::new().turn(thought()).forever(Turn::text("done")));
    let seen = Seen::default();
    let same = router(settings(&server));
    let reply = same.complete(request(), &seen, CancellationToken::new()).await.unwrap();
    assert_eq!(reply.text.raw(), "");
    same.complete(next(&reply), &seen, CancellationToken::new()).await.unwrap();
    assert_eq!(server.chats()[1]["messages"][2], expected_back());
    router(settings(&server)).complete(next(&reply), &seen, CancellationToken::new()).await.unwrap();
    assert_eq!(server.chats()[2]["messages"][2], expected_back(), "after a restart");

    let plain = json!({"role": "assistant", "content": null,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "git_status", "arguments": "{}"}}]});
    let mut other_model = settings(&server);
    other_model.models.get_mut("default").unwrap().id = Some("other".to_owned());
    router(other_model).complete(next(&reply), &seen, CancellationToken::new()).await.unwrap();
    assert_eq!(server.chats()[3]["messages"][2], plain, "another model");
    let elsewhere = ScriptedModel::start(Script::new().forever(Turn::text("done")));
    router(settings(&elsewhere)).complete(next(&reply), &seen, CancellationToken::new()).await.unwrap();
    assert_eq!(elsewhere.chats()[0]["messages"][2], plain, "another server under the same name");
}

#[tokio::test]
async fn a_server_that_does_not_want_it_back_is_asked_without_it() {
    let strict = Turn::computed(|request| match request["messages"][2].get("reasoning_content") {
        Some(_) => Turn::error(400, "messages.2.reasoning_content: Extra inputs are not permitted"),
        None => Turn::text("done"),
    });
    let server = ScriptedModel::start(Script::new().turn(thought()).forever(strict));
    let seen = Seen::default();
    let router = router(settings(&server));
    let reply = router.complete(request(), &seen, CancellationToken::new()).await.unwrap();
    for requests in [3, 4] {
        router.complete(next(&reply), &seen, CancellationToken::new()).await.unwrap();
        assert_eq!(server.chats().len(), requests, "it is learned at once");
    }
}

#[test]
fn a_reply_without_anything_beside_it_is_stored_as_ever() {
    let old = r#"{"model":"m","text":"t","calls":[{"provider_id":"a","tool":"x","args":{}}],"finish":"stop"}"#;
    let reply: ModelReply = serde_json::from_str(old).unwrap();
    assert_eq!(serde_json::to_string(&reply).unwrap(), old);
    let call = RequestedCall { provider_id: "a".to_owned(), tool: "x".to_owned(), args: json!({}) };
    assert_eq!((reply.calls, reply.carried), (vec![call], None));
}

/// What a strict server finds wrong with a conversation.
fn objection(body: &Value) -> Option<String> {
    let valid = |name: &str| {
        (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    let (mut ids, mut open) = (std::collections::BTreeSet::new(), Vec::new());
    for (at, message) in body["messages"].as_array()?.iter().enumerate() {
        let role = message["role"].as_str()?;
        let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
        if role == "tool" {
            let place = open.iter().position(|id| *id == message["tool_call_id"]);
            let Some(place) = place else { return Some(format!("messages.{at}: answers nothing")) };
            open.remove(place);
        } else if !open.is_empty() {
            return Some(format!("messages.{at}: calls before it are not answered"));
        }
        if calls.is_empty() && message["content"].as_str().is_none_or(|text| text.trim().is_empty()) {
            return Some(format!("messages.{at}: empty content"));
        }
        if !calls.is_empty() && message["reasoning_content"].as_str().is_none() {
            return Some(format!("messages.{at}: reasoning_content is missing"));
        }
        for call in calls {
            let id = call["id"].as_str().unwrap_or_default().to_owned();
            if id.is_empty() || id.len() > 40 || !ids.insert(id.clone()) {
                return Some(format!("messages.{at}: bad id {id:?}"));
            }
            let (name, arguments) = (call["function"]["name"].as_str()?, call["function"]["arguments"].as_str()?);
            if !valid(name) || !serde_json::from_str::<Value>(arguments).is_ok_and(|arguments| arguments.is_object()) {
                return Some(format!("messages.{at}: bad call {name:?} {arguments}"));
            }
            open.push(json!(id));
        }
    }
    None
}

#[test]
fn a_strict_thinking_model_is_served_through_a_pause_and_another_process() {
    let acts = AtomicUsize::new(0);
    let turn = Turn::computed(move |request| {
        if request.get("tools").is_none() {
            return Turn::text("{\"steps\":[]}");
        }
        if let Some(objection) = objection(request) {
            return Turn::error(400, &objection);
        }
        let call = |name: &str, id: Value, arguments: &str| json!({"index": 0, "id": id, "function": {"name": name, "arguments": arguments}});
        let calls = |calls: &[Value]| {
            let pieces = calls.iter().map(|call| json!({"tool_calls": [call]}));
            stream(&deltas(&[json!({"reasoning_content": "Hm."})].into_iter().chain(pieces).collect::<Vec<_>>()))
        };
        match acts.fetch_add(1, Ordering::Relaxed) {
            0 => calls(&[
                call("functions.list_files", json!("same"), "{}"),
                call("do it/now!", json!("same"), "[1"),
                call("", Value::Null, "{}"),
                call("ReadFile", json!("x".repeat(99)), &json!("{\"path\":\"README.md\"}").to_string()),
            ]),
            1 => stream(&deltas(&[json!({"content": " ", "reasoning_content": "…"})])),
            2 => Turn::error(401, "come back later"),
            3 => calls(&[call("list-files", json!("same"), "{}")]),
            _ => calls(&[call("finish", json!("same"), "{\"summary\":\"Looked.\",\"outcome\":\"succeeded\"}")]),
        }
    });
    let model = ScriptedModel::start(Script::new().forever(turn));
    let machine = Machine::new().with_model(&model.base_url());
    let repository = story::repository(machine.home()).unwrap().display().to_string();
    let first = machine.run(&["run", "look around", "--workspace", &repository]);
    assert!(!first.err.contains("panicked"), "{}", first.err);
    let runs = machine.run(&["runs", "--json"]).ended(0).json();
    let run = runs[0]["id"].as_str().unwrap();
    assert_eq!(runs[0]["state"], "paused", "{}\n{}", first.out, first.err);
    machine.run(&["resume", run, "--follow"]).ended(0);
    let runs = machine.run(&["runs", "--json"]).ended(0).json();
    assert_eq!(runs[0]["state"], "succeeded", "{:?}", model.chats().last());
    let last = model.chats().pop().unwrap();
    let results: Vec<_> =
        last["messages"].as_array().unwrap().iter().filter(|message| message["role"] == "tool").collect();
    assert!(results[0]["content"].as_str().unwrap().starts_with("ok: "), "an alias is understood: {results:?}");
    assert!(results[3]["content"].as_str().unwrap().starts_with("ok: "), "{results:?}");
    let log = machine.run(&["log", "export"]).out;
    assert!(log.contains("functions.list_files") && log.contains("do it/now!"), "the log keeps what was said");
}
