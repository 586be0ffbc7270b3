//! What went wrong with one attempt, in words, and whether it is worth another. No failure ever quotes a key.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::error_body::{ErrorBody, Objection};
use crate::domain::{ModelFailure, ModelFailureKind, Secrets, Untrusted};

/// Longest excerpt of an error body that is quoted, in characters.
const LONGEST_QUOTE: usize = 300;

/// Who was asked: named in every failure, so that people know where to look.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub provider: String,
    pub url: String,
    /// Only to be blotted out of whatever the server echoes. Empty until it is known.
    pub key: Arc<OnceLock<SecretString>>,
}

/// A failed attempt.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub kind: ModelFailureKind,
    pub message: String,
    pub hint: String,
    pub retry: Retry,
    pub complaint: Complaint,
}

/// What the server finds wrong with the request itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Complaint {
    /// The request is not the matter, as far as the server says.
    None,
    About(Objection),
    /// The model's prompt template: it knows no tools, or not this order of messages.
    Template,
    /// Something; the server does not say what, or not in words that are understood.
    Unnamed,
}

/// Whether the same request may be sent to the same model again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    Never,
    /// After a wait of our own choosing.
    Backoff,
    /// After the wait the provider asked for.
    After(Duration),
    /// Once the server has loaded the model, which for a large one takes minutes.
    OnceLoaded,
}

impl Place {
    /// `openai (https://api.openai.com/v1)`
    pub fn name(&self) -> String {
        format!("{} ({})", self.provider, self.url)
    }

    /// What a key is found by. One that is too short to be told from ordinary words is not searched for.
    pub fn hiding(key: Option<&SecretString>) -> Secrets {
        Secrets::new(key.map(|key| ("[key]".to_owned(), key.expose_secret().to_owned())))
    }

    /// The words of a server without the key, however it came to repeat it.
    pub fn without_key(&self, theirs: &str) -> String {
        Self::hiding(self.key.get()).text(theirs).unwrap_or_else(|| theirs.to_owned())
    }

    pub fn failure(&self, kind: ModelFailureKind, what: &str, hint: impl Into<String>) -> Failure {
        let retry = if kind.is_transient() { Retry::Backoff } else { Retry::Never };
        let message = format!("{} {what}", self.name());
        let message = Self::hiding(self.key.get()).sentence(&message).unwrap_or(message);
        Failure { kind, message, hint: hint.into(), retry, complaint: Complaint::None }
    }
}

impl Failure {
    pub fn into_model_failure(self) -> ModelFailure {
        ModelFailure { kind: self.kind, message: Untrusted::from(self.message), hint: self.hint }
    }

    fn never_again(self) -> Self {
        Self { retry: Retry::Never, ..self }
    }
}

/// Reads an answer whose status is not a success. `now` is for a `Retry-After` that is a date.
pub(super) fn from_status(
    place: &Place,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: DateTime<Utc>,
) -> Failure {
    let said = ErrorBody::read(body);
    let what = format!("answered {}{}", status.as_u16(), quoted(place, &said.message));
    let failure = |kind, hint: &str| place.failure(kind, &what, hint);
    use ModelFailureKind as Kind;
    let mut failure = match status.as_u16() {
        401 if place.key.get().is_none() => {
            failure(Kind::Unauthorized, "it wants a key: set OPENAI_API_KEY, or the key of the provider in config.toml")
        }
        401 => failure(Kind::Unauthorized, "check the key: it is wrong, expired or for another server"),
        402 => failure(Kind::Unauthorized, "the account has no credit; top it up or use another provider"),
        403 => failure(Kind::Unauthorized, "the key has no right to this model; use another model or key"),
        404 | 405 => failure(
            Kind::BadRequest,
            "check the model's name and the base URL (it usually ends in /v1); `morningai doctor` lists what the server has",
        ),
        413 => failure(Kind::TooLong, TOO_LONG),
        429 if said.is_about_quota() => {
            failure(Kind::RateLimited, "the account's quota is used up; top it up or use another provider")
                .never_again()
        }
        429 => failure(Kind::RateLimited, "wait, or add another model to the route to fall back to"),
        408 | 425 => failure(Kind::Timeout, "the server is slow; try again later"),
        400 | 422 if said.is_about_length() => failure(Kind::TooLong, TOO_LONG),
        // llama-server does not call these faults of the request, but they come again each time.
        400..=599 if said.is_about_template() => {
            let mut failure = failure(Kind::BadRequest, NO_TEMPLATE);
            failure.complaint = Complaint::Template;
            return failure;
        }
        300..=399 => failure(Kind::BadRequest, &redirect_hint(place, headers)),
        400..=499 => {
            failure(Kind::BadRequest, "the server does not take this request; `morningai doctor` tries what it can do")
        }
        // llama-server answers an over-long prompt with 500 in some versions.
        500 if said.is_about_length() => failure(Kind::TooLong, TOO_LONG),
        503 if said.is_about_loading() => {
            let hint = "a large model takes minutes to load: try again once the server has it";
            Failure { retry: Retry::OnceLoaded, ..failure(Kind::Provider, hint) }
        }
        _ => {
            failure(Kind::Provider, "the server has an internal problem; try again later or fall back to another model")
        }
    };
    if failure.retry == Retry::Backoff
        && let Some(wait) = retry_after(headers, now)
    {
        failure.retry = Retry::After(wait);
    }
    if matches!(status.as_u16(), 400 | 422 | 501) && failure.kind != Kind::TooLong {
        failure.complaint = said.objection().map_or(Complaint::Unnamed, Complaint::About);
    }
    failure
}

const TOO_LONG: &str = "the conversation is longer than the model can hold: give it a larger context (llama-server: \
                        `-c`) or route to a model that has one; without that, resuming asks the same again";

/// For a model that is asked by the protocol's own calls.
const NO_TEMPLATE: &str = "start llama-server with `--jinja`, or set `calls = \"schema\"` for this model in [models] of \
                           config.toml";

/// For a model that is asked without them.
pub(super) const OTHER_TEMPLATE: &str = "the model's prompt template refuses this conversation: start the server with \
                                         another one (llama-server: `--chat-template`), or use another model";

/// Reads an error that came as a piece of a stream that had begun well.
pub(super) fn from_stream_error(place: &Place, error: &Value) -> Failure {
    let said = ErrorBody::from_json(error);
    let what = format!("broke off its answer{}", quoted(place, &said.message));
    if said.is_about_length() {
        return place.failure(ModelFailureKind::TooLong, &what, TOO_LONG);
    }
    place.failure(ModelFailureKind::Provider, &what, "try again later or fall back to another model")
}

/// An answer that its reader did not survive. It may have been this one time's bytes, so another try is worth it.
pub(super) fn unreadable(place: &Place) -> Failure {
    let hint = "this is a defect of morningai, which its log describes; use another model until it is mended";
    place.failure(ModelFailureKind::Nonsense, "sent an answer that cannot be read", hint)
}

/// Reads a failure to connect or to read.
pub(super) fn from_transport(place: &Place, error: &reqwest::Error) -> Failure {
    let why = innermost(error);
    if error.is_timeout() {
        return place.failure(
            ModelFailureKind::Unreachable,
            "did not accept a connection in time",
            "check the network and the base URL",
        );
    }
    if error.is_connect() {
        let hint = "start the server, or correct the base URL (OPENAI_BASE_URL, or `base_url` in config.toml)";
        return place.failure(ModelFailureKind::Unreachable, &format!("cannot be reached: {why}"), hint);
    }
    place.failure(ModelFailureKind::Provider, &format!("broke the connection: {why}"), "try again later")
}

/// How long the server asks to wait: milliseconds, seconds, or until a date.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let header = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(millis) = header("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(millis / 1_000.0).ok();
    }
    let text = header("retry-after")?;
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.with_timezone(&Utc) - now).to_std().unwrap_or(Duration::ZERO))
}

/// Searched before it is shortened: half a key is a secret too.
pub(super) fn quoted(place: &Place, message: &str) -> String {
    let message = place.without_key(message);
    let flat = message.split_whitespace().collect::<Vec<_>>().join(" ");
    // The sentence goes on behind it.
    let flat = flat.strip_suffix('.').filter(|rest| !rest.ends_with('.')).unwrap_or(&flat);
    match flat.char_indices().nth(LONGEST_QUOTE) {
        _ if flat.is_empty() => String::new(),
        Some((at, _)) => format!(": {}…", &flat[..at]),
        None => format!(": {flat}"),
    }
}

fn redirect_hint(place: &Place, headers: &HeaderMap) -> String {
    let target = headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or("elsewhere");
    let target = place.without_key(target);
    format!("the server moved to {target}; set the base URL to where it lives now")
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn place() -> Place {
        let key = Arc::new(OnceLock::from(SecretString::from("sk-12345")));
        Place { provider: "p".to_owned(), url: "http://h/v1".to_owned(), key }
    }

    fn failure(status: u16, body: &str) -> Failure {
        from_status(&place(), StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes(), Utc::now())
    }

    fn wait(name: &'static str, value: &'static str) -> Option<Duration> {
        let headers = HeaderMap::from_iter([(http::HeaderName::from_static(name), HeaderValue::from_static(value))]);
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        retry_after(&headers, now)
    }

    #[test]
    fn every_status_has_its_kind() {
        use ModelFailureKind as Kind;
        let kinds =
            [(400, Kind::BadRequest), (401, Kind::Unauthorized), (402, Kind::Unauthorized), (403, Kind::Unauthorized)];
        let more = [(404, Kind::BadRequest), (408, Kind::Timeout), (413, Kind::TooLong), (429, Kind::RateLimited)];
        let rest = [(301, Kind::BadRequest), (500, Kind::Provider), (503, Kind::Provider), (529, Kind::Provider)];
        for (status, kind) in kinds.into_iter().chain(more).chain(rest) {
            assert_eq!(failure(status, "").kind, kind, "{status}");
        }
    }

    #[test]
    fn bodies_of_every_sort_are_quoted_in_words() {
        let json = failure(500, r#"{"error":{"message":"over\nload","type":"server_error","code":500}}"#);
        assert_eq!(json.message, "p (http://h/v1) answered 500: over load");
        assert!(
            failure(502, "<html><head><title>Bad Gateway</title>")
                .message
                .ends_with("a web page, \"Bad Gateway\", not a model's answer")
        );
        assert!(failure(500, "out of memory").message.ends_with("500: out of memory"));
        assert!(failure(500, r#"{"error":"plain"}"#).message.ends_with("500: plain"));
        assert!(failure(500, r#"{"detail":"fast"}"#).message.ends_with("500: fast"));
        assert!(failure(500, r#"[{"error":{"message":"listed"}}]"#).message.ends_with("500: listed"));
        assert!(failure(500, r#"{"errors":[{"code":7,"message":"many"}]}"#).message.ends_with("500: many"));
        assert!(failure(500, r#"{"errors":["bare"]}"#).message.ends_with("500: bare"));
        assert!(failure(500, r#"{"error":"rate","message":"too fast"}"#).message.ends_with("500: too fast"));
        assert!(
            failure(422, r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#)
                .message
                .ends_with(": field required")
        );
        assert!(failure(500, &"é".repeat(5_000)).message.len() < 1_000);
    }

    #[test]
    fn a_key_that_is_too_short_or_a_word_leaves_our_own_words_alone() {
        for key in ["k", "", "broke", "connection", "connection\n"] {
            let key = Arc::new(OnceLock::from(SecretString::from(key)));
            let place = Place { key, ..place() };
            let failure = place.failure(ModelFailureKind::Provider, "broke the connection: no key", "");
            assert_eq!(failure.message, "p (http://h/v1) broke the connection: no key");
        }
    }

    #[test]
    fn a_key_is_not_quoted_by_half_where_an_answer_is_shortened() {
        let body = format!("{} sk-12345", "x".repeat(LONGEST_QUOTE - 4));
        assert!(!failure(500, &body).message.contains("sk-"));
        let encoded = failure(401, "no sk%2d12345, no c2stMTIzNDU=");
        assert!(encoded.message.ends_with("no [key], no [key]U="), "{}", encoded.message);
    }

    #[test]
    fn a_key_that_the_server_echoes_is_blotted_out() {
        let failure = failure(401, r#"{"error":{"message":"Incorrect API key: sk-12345"}}"#);
        assert!(failure.message.ends_with("Incorrect API key: [key]"));
    }

    #[test]
    fn used_up_quota_is_not_asked_again() {
        let body = r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#;
        assert_eq!(failure(429, body).retry, Retry::Never);
        assert_eq!(failure(429, "").retry, Retry::Backoff);
    }

    #[test]
    fn too_long_is_recognised_in_the_words_of_several_servers() {
        let openai = r#"{"error":{"message":"This model's maximum context length is 8192 tokens","code":"context_length_exceeded"}}"#;
        let llama = r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#;
        assert_eq!(failure(400, openai).kind, ModelFailureKind::TooLong);
        assert_eq!(failure(400, llama).kind, ModelFailureKind::TooLong);
    }

    #[test]
    fn a_template_that_refuses_the_request_is_not_asked_again() {
        let roles = "\n------------\nWhile executing CallExpression at line 21, column 31 in source:\n... raise_exception(\"Conversation roles must alternate user/assistant/user/assistant/...\")";
        for message in ["tools param requires --jinja flag", roles] {
            let body = serde_json::json!({ "error": { "code": 500, "message": message, "type": "server_error" } });
            let failure = failure(500, &body.to_string());
            assert_eq!((failure.kind, failure.retry), (ModelFailureKind::BadRequest, Retry::Never));
            assert_eq!((failure.complaint, failure.hint.as_str()), (Complaint::Template, NO_TEMPLATE));
        }
    }

    #[test]
    fn a_model_that_is_being_loaded_is_worth_a_longer_wait() {
        let body = r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#;
        let loading = failure(503, body);
        assert_eq!((loading.kind, loading.retry), (ModelFailureKind::Provider, Retry::OnceLoaded));
        assert!(loading.hint.contains("to load"), "{}", loading.hint);
        assert_eq!(failure(503, "busy").retry, Retry::Backoff);
    }

    #[test]
    fn what_is_quoted_fits_into_a_sentence() {
        assert!(failure(500, "Compute error.").message.ends_with(": Compute error"));
        assert!(failure(500, "and so on...").message.ends_with(": and so on..."));
    }

    #[test]
    fn the_field_a_server_objects_to_is_found() {
        let objection = |body| failure(400, body).complaint;
        assert_eq!(
            objection("response_format json_schema is not supported"),
            Complaint::About(Objection::ResponseFormat)
        );
        assert_eq!(objection("unknown field stream_options"), Complaint::About(Objection::StreamOptions));
        assert_eq!(
            objection(r#"{"error":{"message":"Unsupported parameter","param":"max_tokens"}}"#),
            Complaint::About(Objection::MaxTokens)
        );
        assert_eq!(objection("no such model"), Complaint::Unnamed);
        assert_eq!(failure(500, "temperature").complaint, Complaint::None);
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        assert_eq!(wait("retry-after", "4"), Some(Duration::from_secs(4)));
        assert_eq!(wait("retry-after", "Thu, 01 Jan 2026 00:00:09 GMT"), Some(Duration::from_secs(9)));
        assert_eq!(wait("retry-after", "Wed, 31 Dec 2025 00:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        assert_eq!(wait("retry-after", "soon"), None);
        assert_eq!(wait("retry-after", "-3"), None);
    }
}
