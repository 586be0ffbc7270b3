//! One model on one server: a single attempt at an answer. Nothing here retries or falls back; the only second
//! request it makes is a different one, without a part that the server said it does not take.

use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::assembly::Assembled;
use super::calls::made_id;
use super::error_body::Objection;
use super::failure::{Complaint, Failure, OTHER_TEMPLATE};
use super::forced::ForcedAnswer;
use super::prices::Prices;
use super::request::{Form, Learned, LimitField, Objections, OutputLimit};
use super::server::Server;
use super::settings::{CallStyle, ModelEntry};
use super::stream::{Broken, Reader};
use super::transport::Exchange;
use super::voice::{SayReader, Voice};
use super::{carried, forced, schema};
use crate::domain::{FinishReason, ModelFailureKind, ModelReply, OutputShape, RequestedCall, Untrusted};
use crate::ports::{DeltaSink, ModelRequest};

/// A model that can be asked.
pub(super) struct Endpoint {
    entry: ModelEntry,
    server: Arc<Server>,
    prices: Arc<Prices>,
    /// The provider's name of the model, found out on first use where the settings leave it open.
    id: OnceCell<String>,
    learned: Learned,
}

/// A failed attempt, and how many characters of an answer people had already seen.
#[derive(Debug)]
pub(super) struct FailedAttempt {
    pub failure: Failure,
    pub shown: usize,
}

/// An answer before it is given out, with what the attempt found out on the way.
pub(super) struct Answered {
    pub reply: ModelReply,
    /// The server enforced the schema that the answer was to follow.
    pub enforced: bool,
}

impl Endpoint {
    pub fn new(entry: ModelEntry, server: Arc<Server>, prices: Arc<Prices>) -> Self {
        let id = OnceCell::new_with(entry.id.clone());
        Self { entry, server, prices, id, learned: Learned::default() }
    }

    pub fn context_tokens(&self) -> Option<u32> {
        self.entry.context_tokens
    }

    /// `provider/model`, or the provider alone while the model is not known.
    pub fn name(&self) -> String {
        match self.id.get() {
            Some(id) => format!("{}/{}", self.entry.provider, shown(id)),
            None => self.entry.provider.clone(),
        }
    }

    /// One attempt.
    pub async fn attempt(&self, request: &ModelRequest, deltas: &dyn DeltaSink) -> Result<Answered, FailedAttempt> {
        let unseen = |failure| FailedAttempt { failure, shown: 0 };
        let model = self.model_id().await.map_err(unseen)?;
        let sender = self.sender(&model);
        let mut objections = self.learned.get();
        loop {
            let form = self.form(request, &model, &sender, objections);
            let failed = match self.exchange(&form, deltas).await {
                Ok(reply) => {
                    self.learned.keep(objections);
                    return Ok(Answered { reply, enforced: form.sends(Objection::ResponseFormat) });
                }
                Err(failed) => failed,
            };
            let Some(objection) = objection(&failed.failure, &form) else { return Err(advised(failed, &form)) };
            deltas.notice(&format!("{} does not take {}, asking another way", self.name(), part_name(objection)));
            objections = objections.with(objection);
        }
    }

    /// The provider's name of the model: the configured one, or the first the server lists, asked for once.
    pub async fn model_id(&self) -> Result<String, Failure> {
        let first = || async {
            let hint = "set MORNINGAI_MODEL, or `id` of the model in config.toml";
            let mut listed = self.server.list_models().await.map_err(|failure| match failure.kind {
                ModelFailureKind::BadRequest => Failure { hint: hint.to_owned(), ..failure },
                _ => failure,
            })?;
            match listed.is_empty() {
                true => Err(self.server.place().failure(ModelFailureKind::BadRequest, "lists no model", hint)),
                false => Ok(listed.swap_remove(0)),
            }
        };
        self.id.get_or_try_init(first).await.cloned()
    }

    /// Names this server and model to themselves and tells others nothing: an address may hold a password.
    fn sender(&self, model: &str) -> String {
        let digest = Sha256::new().chain_update(&self.server.place().url).chain_update("\n").chain_update(model);
        hex::encode(&digest.finalize()[..16])
    }

    fn form<'a>(&self, request: &'a ModelRequest, model: &'a str, sender: &'a str, objections: Objections) -> Form<'a> {
        let wanted = [request.max_output_tokens, self.entry.max_output_tokens];
        let official = self.server.host() == "api.openai.com";
        let field = if official { LimitField::MaxCompletionTokens } else { LimitField::MaxTokens };
        let limit = wanted.into_iter().flatten().min().map(|tokens| OutputLimit { tokens, field });
        Form { request, model, sender, calls: self.entry.calls, limit, temperature: self.entry.temperature, objections }
    }

    /// One request and its answer.
    async fn exchange(&self, form: &Form<'_>, deltas: &dyn DeltaSink) -> Result<ModelReply, FailedAttempt> {
        let body = form.body();
        let voice = if form.is_forced() { Voice::Say(SayReader::default()) } else { Voice::Plain };
        let exchange = Arc::new(Exchange::default());
        let mut reader = Reader::new(self.server.timeouts(), voice);
        match self.read(&body, &exchange, &mut reader, deltas).await {
            Ok(()) => Ok(self.reply(form, reader.finish(body.to_string().as_bytes()), deltas)),
            Err(failure) => Err(FailedAttempt { failure, shown: reader.shown() }),
        }
    }

    async fn read(
        &self,
        body: &Value,
        exchange: &Arc<Exchange>,
        reader: &mut Reader,
        deltas: &dyn DeltaSink,
    ) -> Result<(), Failure> {
        let client = self.server.client(exchange).await?;
        let chat = client.chat();
        let opened = timeout(reader.patience(), chat.create_stream_byot(body)).await;
        let mut stream = match opened {
            Ok(stream) => stream.map_err(|error| self.server.failure(exchange, error))?,
            Err(_) => return Err(reader.timed_out(self.server.place())),
        };
        reader.read(&mut stream, deltas, self.server.place(), exchange).await.map_err(|broken| match broken {
            Broken::Known(failure) => failure,
            Broken::Library(error) => self.server.failure(exchange, error),
        })
    }

    fn reply(&self, form: &Form<'_>, assembled: Assembled, deltas: &dyn DeltaSink) -> ModelReply {
        if assembled.dropped > 0 {
            let taken = assembled.calls.len();
            deltas.notice(&format!(
                "the model asked for {} calls at once; the first {taken} are taken",
                taken + assembled.dropped
            ));
        }
        let cost = assembled.usage.and_then(|usage| self.prices.cost(self.server.host(), form.model, usage));
        let carried = carried::kept(form.sender, assembled.carried, assembled.carried_by_calls);
        if let Err(bytes) = carried {
            deltas.notice(&format!("the model sent {bytes} bytes beside its answer, too many to be kept for it"));
        }
        let Assembled { mut text, refusal, mut calls, mut finish, usage, .. } = assembled;
        match &form.request.shape {
            OutputShape::Free if form.is_forced() => match forced::read_answer(&text, &form.request.tools) {
                ForcedAnswer::Say(said) => text = said,
                ForcedAnswer::Call { tool, args } => {
                    let provider_id = made_id(form.body().to_string().as_bytes(), 0);
                    calls = vec![RequestedCall { provider_id, tool, args }];
                    text.clear();
                    if finish == FinishReason::Stop {
                        finish = FinishReason::ToolCalls;
                    }
                }
            },
            OutputShape::Free => {}
            OutputShape::Json { schema, .. } => {
                if let Some(mut object) = forced::find_object(&text) {
                    schema::prune(&mut object, schema);
                    text = object.to_string();
                }
            }
        }
        let model = format!("{}/{}", self.entry.provider, shown(form.model));
        ModelReply {
            model,
            text: Untrusted::from(text),
            refusal: refusal.map(Untrusted::from),
            calls,
            finish,
            usage,
            cost,
            carried: carried.ok().flatten(),
        }
    }
}

/// What to do about a template depends on how the model was asked.
fn advised(mut failed: FailedAttempt, form: &Form<'_>) -> FailedAttempt {
    if failed.failure.complaint == Complaint::Template && form.calls == CallStyle::Schema {
        OTHER_TEMPLATE.clone_into(&mut failed.failure.hint);
    }
    failed
}

/// The part of the request to leave out next: the one the server names, or the most demanding one when it only
/// says that the request is bad. Never one that was not sent.
fn objection(failure: &Failure, form: &Form<'_>) -> Option<Objection> {
    match failure.complaint {
        Complaint::None | Complaint::Template => None,
        Complaint::About(objection) if form.sends(objection) => Some(objection),
        Complaint::About(_) | Complaint::Unnamed => {
            [Objection::ResponseFormat, Objection::Carried].into_iter().find(|objection| form.sends(*objection))
        }
    }
}

fn part_name(objection: Objection) -> &'static str {
    match objection {
        Objection::ResponseFormat => "a schema for its answer",
        Objection::StreamOptions => "the request for usage figures",
        Objection::MaxTokens => "this way of limiting its answer",
        Objection::Temperature => "a temperature",
        Objection::Carried => "what it said beside its answers",
    }
}

/// A model's name for people: some local servers name it by the whole path of its file.
fn shown(id: &str) -> &str {
    match id.rsplit_once('/') {
        Some((directory, file)) if directory.is_empty() || directory.starts_with('/') => file,
        _ => id,
    }
}
