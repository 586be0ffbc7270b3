//! The model router against a server at the wire: what it makes of answers, good and bad.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use morningai::domain::{
    FinishReason, Message, ModelFailure, ModelFailureKind, ModelReply, OutputShape, RequestedCall, TaskClass, ToolSpec,
    Usage, Usd,
};
use morningai::models::{ModelEnvironment, ModelSettings, Prices, RetrySettings, Router};
use morningai::ports::{DeltaSink, Model, ModelRequest};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::scripted_model::{Ids, Script, ScriptedModel, Turn};

/// A key that must never be seen anywhere but in the request's header.
pub const KEY: &str = "sk-never-to-be-seen";

/// Keeps what people would see.
#[derive(Default)]
pub struct Seen {
    pub tokens: Mutex<String>,
    pub notices: Mutex<Vec<String>>,
    /// Cancelled when the first token or notice comes, by what it contains.
    pub trip: Option<(&'static str, CancellationToken)>,
}

impl Seen {
    pub fn tripping(sign: &'static str, token: &CancellationToken) -> Self {
        Self { trip: Some((sign, token.clone())), ..Self::default() }
    }

    pub fn tokens(&self) -> String {
        self.tokens.lock().unwrap().clone()
    }

    pub fn notices(&self) -> Vec<String> {
        self.notices.lock().unwrap().clone()
    }

    fn look(&self, text: &str) {
        if let Some((_, token)) = self.trip.as_ref().filter(|(sign, _)| text.contains(sign)) {
            token.cancel();
        }
    }
}

impl DeltaSink for Seen {
    fn token(&self, text: &str) {
        self.tokens.lock().unwrap().push_str(text);
        self.look(text);
    }

    fn notice(&self, text: &str) {
        self.notices.lock().unwrap().push(text.to_owned());
        self.look(text);
    }
}

pub fn settings(server: &ScriptedModel) -> ModelSettings {
    let environment = ModelEnvironment {
        api_key: Some(KEY.into()),
        base_url: Some(server.base_url()),
        model: Some("scripted".to_owned()),
    };
    let retry = RetrySettings { attempts: 3, base: 0.001, cap: 0.005, longest_requested: 5.0 };
    ModelSettings { retry, ..ModelSettings::from_environment(environment) }
}

pub fn router(settings: ModelSettings) -> Arc<Router> {
    Router::new(settings, Prices::bundled().unwrap()).unwrap()
}

pub fn tool(name: &str, parameters: Value) -> ToolSpec {
    let spec = json!({
        "name": name, "description": "Does it.", "parameters": parameters, "class": "observe", "repeat": "repeatable",
    });
    serde_json::from_value(spec).unwrap()
}

pub fn request() -> ModelRequest {
    let path = json!({ "type": "object", "properties": { "path": { "type": "string" } }, "required": ["path"] });
    ModelRequest {
        class: TaskClass::Code,
        messages: vec![Message::System("You help.".to_owned()), Message::User("Go.".to_owned())],
        tools: vec![tool("read_file", path), tool("git_status", json!({ "type": "object" }))],
        shape: OutputShape::Free,
        max_output_tokens: Some(500),
    }
}

pub async fn ask(server: &ScriptedModel, seen: &Seen) -> Result<ModelReply, ModelFailure> {
    router(settings(server)).complete(request(), seen, CancellationToken::new()).await
}

async fn answer_to(turn: Turn) -> ModelReply {
    ask(&ScriptedModel::start(Script::new().turn(turn)), &Seen::default()).await.unwrap()
}

/// The failure of a server that gives this answer every time, and how many requests it got.
async fn failure_of(turn: Turn) -> (ModelFailure, usize) {
    let server = ScriptedModel::start(Script::new().forever(turn));
    let failure = ask(&server, &Seen::default()).await.unwrap_err();
    assert!(!format!("{failure:?}").contains(KEY), "{failure:?}");
    (failure, server.requests().len())
}

fn call(id: &str, tool: &str, args: Value) -> RequestedCall {
    RequestedCall { provider_id: id.to_owned(), tool: tool.to_owned(), args }
}

#[tokio::test]
async fn words_stream_and_add_up_with_usage_and_model() {
    let server =
        ScriptedModel::start(Script::new().turn(Turn::text("Grüße, 世界 🌍!").usage(1_000, 400, 7).in_pieces_of(1)));
    let seen = Seen::default();
    let reply = ask(&server, &seen).await.unwrap();
    assert_eq!(reply.text.raw(), "Grüße, 世界 🌍!");
    assert_eq!(seen.tokens(), "Grüße, 世界 🌍!");
    assert_eq!((reply.model.as_str(), reply.finish), ("local/scripted", FinishReason::Stop));
    assert_eq!(reply.usage, Some(Usage { input: 1_000, cached: 400, output: 7 }));
    assert_eq!(reply.cost, None, "nobody said what a local model costs");

    let [sent] = server.requests().try_into().unwrap();
    assert_eq!(sent.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(sent.path, "/v1/chat/completions");
    assert_eq!((&sent.body["model"], &sent.body["stream"]), (&json!("scripted"), &json!(true)));
    assert_eq!(sent.body["max_tokens"], json!(500));
    assert_eq!(sent.body["tools"][0]["function"]["name"], json!("read_file"));
}

#[tokio::test]
async fn a_price_of_the_users_own_makes_the_cost_known() {
    let server = ScriptedModel::start(Script::new().turn(Turn::text("hi").usage(1_000, 400, 7)));
    let own = "[[price]]\nhost = \"127.0.0.1\"\nmodel = \"scripted\"\ninput = \"3\"\ncached = \"0.3\"\noutput = \"15\"";
    let prices = Prices::bundled().unwrap().overridden_by(Prices::parse(own).unwrap());
    let router = Router::new(settings(&server), prices).unwrap();
    let reply = router.complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap();
    // 600 × 3 + 400 × 0.3 + 7 × 15 dollars per million.
    assert_eq!(reply.cost, Some(Usd(2_025_000)));
}

#[tokio::test]
async fn several_calls_split_over_many_pieces_come_apart() {
    let turn = Turn::text("Two things.")
        .call("read_file", json!({ "path": "tête/\"a\".rs" }))
        .call("git_status", json!({}))
        .in_pieces_of(3);
    let reply = answer_to(turn).await;
    assert_eq!(reply.finish, FinishReason::ToolCalls);
    assert_eq!(reply.text.raw(), "Two things.");
    assert_eq!(reply.calls[0], call("call_0_read_file", "read_file", json!({ "path": "tête/\"a\".rs" })));
    assert_eq!(reply.calls[1], call("call_1_git_status", "git_status", json!({})));
}

#[tokio::test]
async fn calls_come_whole_or_without_ids_or_with_bad_arguments() {
    let whole = answer_to(Turn::calling("read_file", json!({ "path": "a" })).ids(Ids::Whole).finish("stop")).await;
    assert_eq!(whole.calls, [call("call_0_read_file", "read_file", json!({ "path": "a" }))]);
    assert_eq!(whole.finish, FinishReason::ToolCalls);

    let absent = answer_to(Turn::calling("read_file", json!({ "path": "a" })).ids(Ids::Absent)).await;
    assert_eq!(absent.calls[0].args, json!({ "path": "a" }));
    assert!(absent.calls[0].provider_id.starts_with("call_"));

    let bad = answer_to(Turn::text("").call_with("read_file", "{\"path\": oops")).await;
    assert_eq!(bad.calls[0].args, json!("{\"path\": oops"));
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let reply = answer_to(Turn::text("all at once").call("git_status", json!({})).in_one_document()).await;
    assert_eq!(reply.text.raw(), "all at once");
    assert_eq!(reply.calls[0].tool, "git_status");
    assert!(reply.usage.is_some());
}

#[tokio::test]
async fn refusal_length_and_filter_are_told_apart() {
    let refused = answer_to(Turn::text("").refusing("I would rather not.")).await;
    assert_eq!(refused.refusal.unwrap().raw(), "I would rather not.");
    assert_eq!(answer_to(Turn::text("to be cont").finish("length")).await.finish, FinishReason::Length);
    assert_eq!(answer_to(Turn::text("").finish("content_filter")).await.finish, FinishReason::Filtered);
}

#[tokio::test]
async fn usage_and_the_closing_mark_may_be_absent() {
    let reply = answer_to(Turn::text("short").without_usage().without_done()).await;
    assert_eq!((reply.text.raw(), reply.usage, reply.finish), ("short", None, FinishReason::Stop));
}

#[tokio::test]
async fn failures_say_who_what_and_what_next_and_never_the_key() {
    let echo = format!("Incorrect API key provided: {KEY}");
    let (failure, requests) = failure_of(Turn::error(401, &echo)).await;
    assert_eq!((failure.kind, requests), (ModelFailureKind::Unauthorized, 1));
    let message = failure.message.raw();
    assert!(
        message.starts_with("local (http://127.0.0.1:")
            && message.ends_with("answered 401: Incorrect API key provided: [key]"),
        "{message}"
    );
    assert!(failure.hint.contains("check the key"));

    let (failure, requests) = failure_of(Turn::error(404, "no such model")).await;
    assert_eq!((failure.kind, requests), (ModelFailureKind::BadRequest, 1));
    assert!(failure.hint.contains("check the model's name"));

    let (failure, requests) = failure_of(Turn::error(400, "maximum context length is 10 tokens")).await;
    assert_eq!((failure.kind, requests), (ModelFailureKind::TooLong, 1));
    let (failure, requests) = failure_of(Turn::error(403, "not yours")).await;
    assert_eq!((failure.kind, requests), (ModelFailureKind::Unauthorized, 1));
}

#[tokio::test]
async fn web_pages_and_nonsense_are_called_that() {
    let page = "<!DOCTYPE html><html><head><title>Welcome</title></head></html>";
    let (failure, requests) = failure_of(Turn::raw(200, "text/html", page)).await;
    assert_eq!((failure.kind, requests), (ModelFailureKind::BadRequest, 1));
    let (failure, requests) = failure_of(Turn::raw(502, "text/html", page)).await;
    assert_eq!((failure.kind, requests), (ModelFailureKind::Provider, 3));
    assert!(failure.message.raw().contains("a web page, \"Welcome\""));
    let (failure, _) = failure_of(Turn::raw(200, "text/plain", "hello")).await;
    assert_eq!(failure.kind, ModelFailureKind::Nonsense);
    let (failure, _) = failure_of(Turn::raw(200, "text/event-stream", "data: {\"choices\": 7}\n\n")).await;
    assert_eq!(failure.kind, ModelFailureKind::Nonsense);
    let (failure, _) = failure_of(Turn::raw(200, "text/event-stream", "data: \u{fffd}oops\n\n")).await;
    assert_eq!(failure.kind, ModelFailureKind::Nonsense);
}

#[tokio::test]
async fn an_error_inside_a_stream_is_a_failure_of_the_provider() {
    let body = "data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}\n\ndata: {\"error\":{\"message\":\"GPU on fire\",\"code\":500}}\n\n";
    let (failure, requests) = failure_of(Turn::raw(200, "text/event-stream", body)).await;
    assert_eq!((failure.kind, requests), (ModelFailureKind::Provider, 3));
    assert!(failure.message.raw().contains("GPU on fire"));
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let event = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n", "x".repeat(64 * 1024));
    let mut unretried = settings(&ScriptedModel::start(Script::new()));
    unretried.retry.attempts = 1;
    let server = ScriptedModel::start(Script::new().turn(Turn::raw(200, "text/event-stream", &event.repeat(140))));
    unretried.providers.get_mut("local").unwrap().base_url = server.base_url();
    let failure = router(unretried).complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap_err();
    assert_eq!(failure.kind, ModelFailureKind::Nonsense);
    assert!(failure.message.raw().contains("more than 8 MB"), "{failure:?}");
}

#[tokio::test]
async fn nobody_there_is_unreachable_and_nothing_configured_says_so() {
    let gone = ScriptedModel::start(Script::new());
    let settings = settings(&gone);
    drop(gone);
    let seen = Seen::default();
    let failure = router(settings).complete(request(), &seen, CancellationToken::new()).await.unwrap_err();
    assert_eq!(failure.kind, ModelFailureKind::Unreachable);
    assert!(failure.hint.contains("start the server"));
    assert_eq!(seen.notices().len(), 2, "three attempts");

    let nothing = router(ModelSettings { routes: BTreeMap::new(), ..ModelSettings::default() });
    assert!(!nothing.is_configured());
    let failure = nothing.complete(request(), &seen, CancellationToken::new()).await.unwrap_err();
    assert_eq!(failure.kind, ModelFailureKind::NotConfigured);
    assert!(failure.hint.contains("OPENAI_BASE_URL"));
}

#[tokio::test]
async fn without_a_model_name_the_first_listed_is_used_and_asked_for_once() {
    let server =
        ScriptedModel::start(Script::new().models(["/srv/models/gemma.gguf", "other"]).forever(Turn::text("hi")));
    let mut settings = settings(&server);
    settings.models.get_mut("default").unwrap().id = None;
    let router = router(settings);
    for _ in 0..2 {
        let reply = router.complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap();
        assert_eq!(reply.model, "local/gemma.gguf");
    }
    assert_eq!(server.chats()[1]["model"], json!("/srv/models/gemma.gguf"));
    let paths: Vec<_> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/v1/models", "/v1/chat/completions", "/v1/chat/completions"]);
}

#[tokio::test]
async fn a_server_that_lists_nothing_says_what_to_set() {
    let server = ScriptedModel::start(Script::new().models([]));
    let mut settings = settings(&server);
    settings.models.get_mut("default").unwrap().id = None;
    let failure = router(settings).complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap_err();
    assert!(failure.hint.contains("MORNINGAI_MODEL"), "{failure:?}");
}
