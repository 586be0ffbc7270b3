//! Forced calls, JSON answers, requests fitted to what servers take, cassettes, and the probe.

use std::path::Path;

use morningai::domain::{FinishReason, ModelReply, OutputShape};
use morningai::models::cassette::{Cassette, End, Piece, Recorded, Recorder};
use morningai::models::{CallStyle, ModelEnvironment, ModelSettings, Prices, Router, Transport, probe};
use morningai::ports::{Model, ModelRequest};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::models::{KEY, Seen, request, router, settings};
use crate::support::scripted_model::{Script, ScriptedModel, Turn};

fn forced(server: &ScriptedModel) -> ModelSettings {
    let mut settings = settings(server);
    settings.models.get_mut("default").unwrap().calls = CallStyle::Schema;
    settings
}

fn json_request() -> ModelRequest {
    let schema = json!({
        "type": "object", "required": ["a"],
        "properties": { "a": { "type": "integer" }, "b": { "type": "string" } },
    });
    ModelRequest { shape: OutputShape::Json { name: "thing".to_owned(), schema }, tools: Vec::new(), ..request() }
}

async fn complete(settings: ModelSettings, request: ModelRequest, seen: &Seen) -> ModelReply {
    router(settings).complete(request, seen, CancellationToken::new()).await.unwrap()
}

fn no_schema(request: &Value, otherwise: Turn) -> Turn {
    match request.get("response_format") {
        Some(_) => Turn::error(400, "response_format of type json_schema is not supported"),
        None => otherwise,
    }
}

#[tokio::test]
async fn a_forced_call_comes_back_as_a_call_and_forced_words_as_words() {
    let call = json!({ "next": { "tool": "read_file", "with": { "path": "a" } } });
    let words = json!({ "next": { "say": "done\nhere" } });
    let script = Script::new().turn(Turn::text(&call.to_string()).in_pieces_of(5)).turn(Turn::text(&words.to_string()));
    let server = ScriptedModel::start(script);
    let seen = Seen::default();
    let reply = complete(forced(&server), request(), &seen).await;
    assert_eq!((reply.calls[0].tool.as_str(), &reply.calls[0].args), ("read_file", &json!({ "path": "a" })));
    assert_eq!((reply.finish, reply.text.raw(), seen.tokens().as_str()), (FinishReason::ToolCalls, "", ""));
    let reply = complete(forced(&server), request(), &seen).await;
    assert_eq!((reply.text.raw(), seen.tokens().as_str()), ("done\nhere", "done\nhere"));
    assert!(reply.calls.is_empty());

    let body = &server.chats()[0];
    assert!(body.get("tools").is_none());
    assert_eq!(
        body["response_format"]["json_schema"]["schema"]["properties"]["next"]["anyOf"].as_array().unwrap().len(),
        3
    );
}

#[tokio::test]
async fn a_server_without_schemas_is_asked_in_words_and_remembered() {
    let call = "Sure:\n```json\n{\"next\":{\"tool\":\"git_status\",\"with\":{}}}\n```";
    let server =
        ScriptedModel::start(Script::new().forever(Turn::computed(|request| no_schema(request, Turn::text(call)))));
    let router = router(forced(&server));
    for expected_requests in [2, 3] {
        let reply = router.complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap();
        assert_eq!(reply.calls[0].tool, "git_status");
        assert_eq!(server.requests().len(), expected_requests);
    }
}

#[tokio::test]
async fn a_json_answer_loses_its_fence_and_the_nulls_that_strictness_forced() {
    let server = ScriptedModel::start(Script::new().turn(Turn::text(r#"{"a":1,"b":null}"#)));
    assert_eq!(complete(settings(&server), json_request(), &Seen::default()).await.text.raw(), r#"{"a":1}"#);
    let format = &server.chats()[0]["response_format"]["json_schema"];
    assert_eq!((&format["name"], &format["strict"]), (&json!("thing"), &json!(true)));

    let fenced = Turn::text("Here:\n```json\n{\"a\": 2}\n```");
    let turn = Turn::computed(move |request| no_schema(request, fenced.clone()));
    let server = ScriptedModel::start(Script::new().forever(turn));
    let seen = Seen::default();
    assert_eq!(complete(settings(&server), json_request(), &seen).await.text.raw(), r#"{"a":2}"#);
    assert_eq!(seen.notices(), ["local/scripted does not take a schema for its answer, asking another way"]);
    assert!(server.chats()[1]["messages"][0]["content"].as_str().unwrap().contains("JSON Schema"));
}

#[tokio::test]
async fn parts_a_server_does_not_take_are_left_out_one_by_one() {
    let turn = Turn::computed(|request| {
        if request.get("max_tokens").is_some() {
            return Turn::error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.");
        }
        if request.get("stream_options").is_some() {
            return Turn::error(422, "extra field stream_options");
        }
        Turn::text("at last")
    });
    let server = ScriptedModel::start(Script::new().forever(turn));
    assert_eq!(complete(settings(&server), request(), &Seen::default()).await.text.raw(), "at last");
    let [_, _, last] = server.chats().try_into().unwrap();
    assert_eq!(last["max_completion_tokens"], json!(500));
}

#[tokio::test]
async fn a_recorded_exchange_replays_without_the_server_and_holds_no_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cassette.ndjson");
    let leaky = format!("your key is {KEY}, ünlike mine");
    let script = Script::new()
        .turn(Turn::error(503, "loading").header("retry-after-ms", "5"))
        .turn(Turn::text(&leaky).call("git_status", json!({})).in_pieces_of(7));
    let server = ScriptedModel::start(script);
    let settings = settings(&server);
    let recorded = over(&settings, Transport::Record(Recorder::create(&path).unwrap())).await;
    assert_eq!(recorded.text.raw(), leaky);
    drop(server);

    assert_file_is_clean(&path);
    let cassette = Cassette::load(&path).unwrap();
    assert_eq!(cassette.remaining(), 2);
    let replayed = over(&settings, Transport::Replay(cassette.clone())).await;
    assert_eq!(replayed.text.raw(), leaky.replace(KEY, &"*".repeat(KEY.len())));
    assert_eq!((&replayed.calls, replayed.usage, cassette.remaining()), (&recorded.calls, recorded.usage, 0));
}

async fn over(settings: &ModelSettings, transport: Transport) -> ModelReply {
    let router = Router::with_transport(settings.clone(), Prices::default(), transport).unwrap();
    router.complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap()
}

fn assert_file_is_clean(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let bodies: String =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["body"].to_string()).collect();
    let joined = bodies.replace("\",\"", "");
    assert!(!joined.contains(KEY) && joined.contains("*******"), "{joined}");
    assert!(!text.to_lowercase().contains("authorization"));
}

#[tokio::test]
async fn an_exchange_that_was_not_recorded_is_a_plain_failure() {
    let settings = ModelSettings::from_environment(ModelEnvironment {
        base_url: Some("http://127.0.0.1:9/v1".to_owned()),
        model: Some("m".to_owned()),
        api_key: None,
    });
    let router =
        Router::with_transport(settings, Prices::default(), Transport::Replay(Cassette::new(Vec::new()))).unwrap();
    let failure = router.complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap_err();
    assert!(failure.message.raw().contains("is replayed from a cassette without request"));
}

/// A stream that has everything in it, and the reply it comes to when it arrives in one piece.
fn full_stream() -> Vec<u8> {
    let turn = Turn::text("Grüße 🌍 – \"quoted\"\n\tand more").refusing("nö");
    turn.call("read_file", json!({ "path": "a\u{1b}é" })).call("git_status", json!({})).stream_bytes()
}

fn reply_to(pieces: Vec<Vec<u8>>) -> (ModelReply, String) {
    let settings = ModelSettings::from_environment(ModelEnvironment {
        base_url: Some("http://127.0.0.1:9/v1".to_owned()),
        model: Some("m".to_owned()),
        api_key: None,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let seen = Seen::default();
        let cassette = Cassette::new(vec![Recorded {
            request: digest_of(&settings).await,
            status: 200,
            headers: vec![("content-type".to_owned(), "text/event-stream".to_owned())],
            body: pieces.into_iter().map(Piece::new).collect(),
            end: End::Complete,
        }]);
        let router = Router::with_transport(settings, Prices::default(), Transport::Replay(cassette)).unwrap();
        let reply = router.complete(request(), &seen, CancellationToken::new()).await.unwrap();
        (reply, seen.tokens())
    })
}

/// The digest of the request, as the failure of an empty cassette names it.
async fn digest_of(settings: &ModelSettings) -> String {
    let empty = Transport::Replay(Cassette::new(Vec::new()));
    let router = Router::with_transport(settings.clone(), Prices::default(), empty).unwrap();
    let failure = router.complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap_err();
    failure.message.raw().rsplit(' ').next().unwrap().to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_a_stream_is_split_the_reply_is_the_same(mut cuts in proptest::collection::vec(0usize..4_000, 0..40)) {
        let stream = full_stream();
        let whole = reply_to(vec![stream.clone()]);
        prop_assert_eq!(whole.0.calls.len(), 2);
        cuts.retain(|cut| *cut < stream.len());
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| stream[pair[0]..pair[1]].to_vec()).collect();
        prop_assert_eq!(reply_to(pieces), whole);
    }
}

fn capable(request: &Value) -> Turn {
    let last = request["messages"].as_array().and_then(|messages| messages.last()).cloned().unwrap_or_default();
    let asked = last["content"].as_str().unwrap_or_default();
    if request.get("tools").is_some() {
        let city = if asked.contains("Oslo") { "Oslo" } else { "Lima" };
        return Turn::calling("weather", json!({ "city": city }));
    }
    match request.get("response_format") {
        Some(_) => Turn::text(r#"{"color":"red","count":3}"#),
        None => Turn::text("1 2 3 4 5"),
    }
}

#[tokio::test]
async fn the_probe_finds_a_capable_model_capable() {
    let script =
        Script::new().models(["a", "b"]).forever(Turn::computed(capable)).paced(std::time::Duration::from_millis(1));
    let server = ScriptedModel::start(script);
    let report = probe(&settings(&server), "default").await.unwrap();
    assert!(
        [&report.reachable, &report.authorized, &report.streams, &report.native_calls, &report.schema]
            .iter()
            .all(|finding| finding.is_yes()),
        "{report:?}"
    );
    assert_eq!(report.listed, ["a", "b"]);
    assert_eq!((report.recommended, report.hint), (Some(CallStyle::Native), None));
    assert!(report.tokens_per_second.unwrap() > 0.0);
}

#[tokio::test]
async fn the_probe_recommends_schemas_for_a_model_that_answers_calls_in_words() {
    let turn = Turn::computed(|request| match request.get("tools") {
        Some(_) => Turn::text("It is sunny."),
        None => capable(request),
    });
    let server = ScriptedModel::start(Script::new().forever(turn));
    let report = probe(&settings(&server), "default").await.unwrap();
    assert!(!report.native_calls.is_yes());
    assert_eq!(report.recommended, Some(CallStyle::Schema));
}

#[tokio::test]
async fn the_probe_tells_where_it_stopped() {
    let server = ScriptedModel::start(Script::new().forever(Turn::error(401, "wrong key")));
    let report = probe(&settings(&server), "default").await.unwrap();
    assert!(report.reachable.is_yes() && !report.authorized.is_yes());
    assert!(report.hint.unwrap().contains("check the key"));
    let unreachable = settings(&server);
    drop(server);
    let report = probe(&unreachable, "default").await.unwrap();
    assert!(!report.reachable.is_yes() && report.recommended.is_none());
    assert!(probe(&unreachable, "no such model").await.is_none());
}
