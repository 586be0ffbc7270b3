//! Finds out by asking what a configured model can really do. Costs a handful of short answers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};

use super::endpoint::{Answered, Endpoint};
use super::failure::{Complaint, Failure};
use super::forced;
use super::server::Server;
use super::settings::{CallStyle, ModelEntry, ModelSettings};
use super::transport::Transport;
use crate::domain::{
    EffectClass, Message, ModelFailureKind, OutputShape, Repeat, TaskClass, ToolName, ToolSpec, Untrusted,
};
use crate::ports::{DeltaSink, ModelRequest};

/// How often the tool call is asked for; dependable means that every try succeeds.
const CALL_TRIES: usize = 2;

/// What one question found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    Yes,
    /// And why, for people.
    No(Untrusted),
    /// An earlier answer made the question pointless.
    NotTried,
}

impl Finding {
    pub fn is_yes(&self) -> bool {
        *self == Self::Yes
    }
}

/// What `morningai doctor` tells about one model.
#[derive(Clone, Debug)]
pub struct ProbeReport {
    /// The model's name in the settings.
    pub name: String,
    /// The server: `openai (https://api.openai.com/v1)`.
    pub server: String,
    /// The provider's name of the model; `None` when it could not be found out.
    pub model: Option<String>,
    pub reachable: Finding,
    pub authorized: Finding,
    /// Names of the models the server lists; empty when it does not list them.
    pub listed: Vec<String>,
    /// The answer came in more than one piece.
    pub streams: Finding,
    /// It called a trivial tool correctly each time it was told to, by the protocol's own calls.
    pub native_calls: Finding,
    /// It answered by a JSON schema that the server enforced.
    pub schema: Finding,
    /// Output tokens per second; `None` when the server does not count.
    pub tokens_per_second: Option<f64>,
    pub configured: CallStyle,
    /// What `calls` should be; `None` when nothing could be found out.
    pub recommended: Option<CallStyle>,
    /// What to do when it does not work at all.
    pub hint: Option<String>,
}

/// Asks the model called `name` in the settings. `None` when there is none of that name, or its provider's
/// settings are unusable: `Router::new` says why.
pub async fn probe(settings: &ModelSettings, name: &str) -> Option<ProbeReport> {
    settings.check().ok()?;
    let entry = settings.models.get(name)?;
    let provider = settings.providers.get(&entry.provider)?;
    let server = Arc::new(Server::new(&entry.provider, provider, Transport::Network).ok()?);
    let configured = entry.calls;
    let natively = ModelEntry { calls: CallStyle::Native, ..entry.clone() };
    let endpoint = Endpoint::new(natively, server.clone(), Arc::default());
    let mut report = ProbeReport {
        name: name.to_owned(),
        server: server.place().name(),
        model: None,
        reachable: Finding::NotTried,
        authorized: Finding::NotTried,
        listed: Vec::new(),
        streams: Finding::NotTried,
        native_calls: Finding::NotTried,
        schema: Finding::NotTried,
        tokens_per_second: None,
        configured,
        recommended: None,
        hint: None,
    };
    report.fill(&server, &endpoint).await;
    Some(report)
}

impl ProbeReport {
    async fn fill(&mut self, server: &Server, endpoint: &Endpoint) {
        // Not every server lists its models; whether that matters shows at the next question.
        self.listed = server.list_models().await.unwrap_or_default();
        match endpoint.model_id().await {
            Ok(id) => self.model = Some(id),
            Err(failure) => return self.give_up(&failure),
        }
        if let Err(failure) = self.ask_for_text(endpoint).await {
            return self.give_up(&failure);
        }
        self.native_calls = match ask_for_calls(endpoint).await {
            Ok(found) => found,
            Err(failure) => {
                // The server can be started otherwise, which people would rather do than go without calls.
                self.hint = (failure.complaint == Complaint::Template).then(|| failure.hint.clone());
                Finding::No(Untrusted::from(failure.message))
            }
        };
        self.schema = ask_for_json(endpoint).await;
        self.recommended = match (&self.native_calls, &self.schema) {
            (Finding::Yes, _) => Some(CallStyle::Native),
            (_, Finding::Yes) => Some(CallStyle::Schema),
            _ => None,
        };
        if self.recommended.is_none() && self.hint.is_none() {
            self.hint = Some(
                "it neither calls tools nor follows a schema: fit for plain text only, use another model".to_owned(),
            );
        }
    }

    fn give_up(&mut self, failure: &Failure) {
        let why = || Finding::No(Untrusted::from(failure.message.as_str()));
        match failure.kind {
            ModelFailureKind::Unreachable => self.reachable = why(),
            ModelFailureKind::Unauthorized => (self.reachable, self.authorized) = (Finding::Yes, why()),
            _ => (self.reachable, self.authorized, self.streams) = (Finding::Yes, Finding::NotTried, why()),
        }
        self.hint = Some(failure.hint.clone());
    }

    async fn ask_for_text(&mut self, endpoint: &Endpoint) -> Result<(), Failure> {
        let request =
            question("Count from 1 to 40 in digits, separated by blanks.", Vec::new(), OutputShape::Free, 120);
        let pieces = PieceTimes::default();
        let answer = endpoint.attempt(&request, &pieces).await.map_err(|failed| failed.failure)?;
        (self.reachable, self.authorized) = (Finding::Yes, Finding::Yes);
        let times = pieces.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.streams = match times.len() {
            0 => Finding::No(Untrusted::from("it answered without any text")),
            1 => Finding::No(Untrusted::from("the answer came in one piece")),
            _ => Finding::Yes,
        };
        let taken = times.last().zip(times.first()).map(|(last, first)| last.duration_since(*first).as_secs_f64());
        let tokens = answer.reply.usage.map(|usage| usage.output).filter(|tokens| *tokens > 1);
        self.tokens_per_second =
            tokens.zip(taken.filter(|taken| *taken > 0.0)).map(|(tokens, taken)| (tokens - 1) as f64 / taken);
        Ok(())
    }
}

async fn ask_for_calls(endpoint: &Endpoint) -> Result<Finding, Failure> {
    for number in 0..CALL_TRIES {
        let city = ["Oslo", "Lima"][number % 2];
        let text = format!("Call the tool `weather` for the city {city}. Do not answer in words.");
        let request = question(&text, vec![weather_tool()], OutputShape::Free, 200);
        let reply = endpoint.attempt(&request, &Silent).await.map_err(|failed| failed.failure)?.reply;
        let fits =
            matches!(reply.calls.as_slice(), [call] if call.tool == "weather" && call.args == json!({ "city": city }));
        if !fits {
            let got: Vec<_> = reply.calls.iter().map(|call| format!("{}({})", call.tool, call.args)).collect();
            let got = if got.is_empty() { "words".to_owned() } else { got.join(", ") };
            let why = format!("told to call weather({{\"city\":\"{city}\"}}), it gave {got}");
            return Ok(Finding::No(Untrusted::from(why)));
        }
    }
    Ok(Finding::Yes)
}

async fn ask_for_json(endpoint: &Endpoint) -> Finding {
    let schema = json!({
        "type": "object",
        "required": ["color", "count"],
        "properties": { "color": { "type": "string", "enum": ["red", "blue"] }, "count": { "type": "integer" } },
    });
    let shape = OutputShape::Json { name: "probe".to_owned(), schema };
    let request = question("Write a long poem about the sea, in at least ten lines.", Vec::new(), shape, 200);
    let no = |why: String| Finding::No(Untrusted::from(why));
    let Answered { reply, enforced } = match endpoint.attempt(&request, &Silent).await {
        Ok(answered) => answered,
        Err(failed) => return no(failed.failure.message),
    };
    let object = forced::find_object(reply.text.raw()).unwrap_or_default();
    let color_fits = matches!(object.get("color").and_then(Value::as_str), Some("red" | "blue"));
    match (enforced, color_fits && object.get("count").is_some_and(Value::is_i64)) {
        (true, true) => Finding::Yes,
        (false, _) => no("the server does not take `response_format`".to_owned()),
        (true, false) => no("the server took the schema and did not follow it".to_owned()),
    }
}

fn question(text: &str, tools: Vec<ToolSpec>, shape: OutputShape, most: u32) -> ModelRequest {
    let messages = vec![Message::User(text.to_owned())];
    ModelRequest { class: TaskClass::Simple, messages, tools, shape, max_output_tokens: Some(most) }
}

fn weather_tool() -> ToolSpec {
    ToolSpec {
        name: ToolName("weather".to_owned()),
        description: "Tells the weather of a city.".to_owned(),
        parameters: json!({ "type": "object", "required": ["city"], "properties": { "city": { "type": "string" } } }),
        class: EffectClass::Observe,
        repeat: Repeat::Repeatable,
    }
}

/// When pieces of the answer came.
#[derive(Default)]
struct PieceTimes(Mutex<Vec<Instant>>);

impl DeltaSink for PieceTimes {
    fn token(&self, _text: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
    }

    fn notice(&self, _text: &str) {}
}

struct Silent;

impl DeltaSink for Silent {
    fn token(&self, _text: &str) {}

    fn notice(&self, _text: &str) {}
}
