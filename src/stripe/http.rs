//! One request to Stripe: with its version, a limit in time and size, and tried again where that is safe.
//!
//! Every write has an idempotency key, so an attempt whose answer was lost is made again under the same one.

use std::time::Duration;

use futures::StreamExt;
use reqwest::{Client, Method, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::form::Form;
use crate::domain::Untrusted;
use crate::ports::{PaymentError, PaymentErrorKind};

/// The version of Stripe's API whose requests and answers this is written for.
pub const API_VERSION: &str = "2026-10-28.endive";
pub const API: &str = "https://api.stripe.com";
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of an answer.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;
/// Attempts, and the pause after the first; each of the next is twice as long.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(400);
/// Longest that Stripe may have us wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// Pages of a list.
const MOST_PAGES: usize = 20;

/// Speaks to Stripe.
pub(super) struct Http {
    client: Client,
    base: Url,
}

/// What Stripe answered that is no answer.
#[derive(Debug)]
pub(super) struct Refusal {
    /// Stripe's word for it: `resource_missing`.
    pub(super) code: String,
    pub(super) error: PaymentError,
}

/// A list, or a part of it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Listed<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) has_more: bool,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Default, Deserialize)]
struct ErrorDetail {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: Untrusted,
}

impl Http {
    /// `base` is Stripe's own, or one on this machine.
    pub(super) fn new(base: &str) -> Result<Self, PaymentError> {
        let bad = || {
            let hint = "leave it out for Stripe itself; for a stand-in write http://127.0.0.1:12111";
            PaymentError::new(
                PaymentErrorKind::Usage,
                "[billing.stripe] api is not an address that a key may be sent to",
                hint,
            )
        };
        let base = Url::parse(base).map_err(|_| bad())?;
        let is_here = matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if base.scheme() != "https" && !(base.scheme() == "http" && is_here) {
            return Err(bad());
        }
        // The first client of this process installs it; the others find it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("morningai/", env!("CARGO_PKG_VERSION")))
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none());
        let client = if is_here { builder.no_proxy() } else { builder }.build().map_err(|_| bad())?;
        Ok(Self { client, base })
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        key: &SecretString,
        path: &str,
        query: Form,
    ) -> Result<T, Refusal> {
        self.ask(key, Method::GET, (path, &query), None).await
    }

    /// `once` is the key under which Stripe does it once.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        key: &SecretString,
        path: &str,
        form: Form,
        once: &str,
    ) -> Result<T, Refusal> {
        self.ask(key, Method::POST, (path, &form), Some(once)).await
    }

    /// All of a list.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        key: &SecretString,
        path: &str,
        query: Form,
        id: impl Fn(&T) -> &str,
    ) -> Result<Vec<T>, Refusal> {
        let (mut all, mut after) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let query = query.clone().with("limit", 100).with_any("starting_after", after);
            let page: Listed<T> = self.get(key, path, query).await?;
            after = page.data.last().map(|last| id(last).to_owned());
            all.extend(page.data);
            if !page.has_more || after.is_none() {
                break;
            }
        }
        Ok(all)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        key: &SecretString,
        method: Method,
        (path, form): (&str, &Form),
        once: Option<&str>,
    ) -> Result<T, Refusal> {
        let mut pause = PAUSE;
        for attempt in 1.. {
            let (refusal, wait) = match self.ask_once(key, method.clone(), (path, form), once).await {
                Ok(body) => return read(&body),
                Err(failed) => failed,
            };
            match wait {
                Wait::No => return Err(refusal),
                _ if attempt >= ATTEMPTS => return Err(refusal),
                Wait::Usual => tokio::time::sleep(pause).await,
                Wait::For(told) if told <= LONGEST_PAUSE => tokio::time::sleep(told).await,
                Wait::For(_) => return Err(refusal),
            }
            pause *= 2;
        }
        Err(unreadable("it was not asked"))
    }

    async fn ask_once(
        &self,
        key: &SecretString,
        method: Method,
        (path, form): (&str, &Form),
        once: Option<&str>,
    ) -> Result<Vec<u8>, (Refusal, Wait)> {
        let mut url = self.base.clone();
        url.set_path(path);
        let encoded = form.encoded();
        if method == Method::GET && !encoded.is_empty() {
            url.set_query(Some(&encoded));
        }
        let mut request = self.client.request(method.clone(), url).bearer_auth(key.expose_secret());
        request = request.header("stripe-version", API_VERSION);
        if method == Method::POST {
            request = request.header("content-type", "application/x-www-form-urlencoded").body(encoded);
        }
        if let Some(once) = once {
            request = request.header("idempotency-key", once);
        }
        let answer = request.send().await.map_err(|error| (unreachable(&error), Wait::Usual))?;
        let status = answer.status().as_u16();
        let (asked, told) = (header(&answer, "stripe-should-retry"), header(&answer, "retry-after"));
        let body = whole(answer).await.map_err(|refusal| (refusal, Wait::Usual))?;
        if status < 300 {
            return Ok(body);
        }
        let told = told.and_then(|after| after.parse().ok()).map(|seconds| Wait::For(Duration::from_secs(seconds)));
        let wait = match (asked.as_deref(), status) {
            (Some("false"), _) => Wait::No,
            (Some("true"), _) | (None, 409 | 429 | 500..) => told.unwrap_or(Wait::Usual),
            (_, _) => Wait::No,
        };
        Err((refused(status, &body), wait))
    }
}

/// Whether it is worth another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    No,
    Usual,
    For(Duration),
}

fn header(answer: &Response, name: &str) -> Option<String> {
    answer.headers().get(name)?.to_str().ok().map(str::to_owned)
}

async fn whole(answer: Response) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        body.extend_from_slice(&piece.map_err(|error| unreachable(&error))?);
        if body.len() > LARGEST_ANSWER {
            return Err(unreadable("its answer is larger than 4 MB"));
        }
    }
    Ok(body)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| unreadable(&format!("its answer is not of the form of version {API_VERSION}: {error}")))
}

fn unreadable(why: &str) -> Refusal {
    let error = PaymentError::new(PaymentErrorKind::Failed, format!("cannot read Stripe's answer: {why}"), "");
    Refusal { code: String::new(), error }
}

fn unreachable(error: &reqwest::Error) -> Refusal {
    let reason = match (error.is_timeout(), error.is_connect()) {
        (true, _) => format!("it did not answer within {} s", PATIENCE.as_secs()),
        (false, true) => "it cannot be reached".to_owned(),
        (false, false) => "its answer was cut short".to_owned(),
    };
    let hint = "try again; nothing is made or charged twice";
    let error = PaymentError::new(PaymentErrorKind::ForNow, format!("Stripe: {reason}"), hint);
    Refusal { code: String::new(), error }
}

/// What Stripe said no to, for people.
fn refused(status: u16, body: &[u8]) -> Refusal {
    let detail = serde_json::from_slice::<ErrorBody>(body).map(|body| body.error).unwrap_or_default();
    let ErrorDetail { code, message } = detail;
    let said = message.cut(300);
    let said = if said.is_empty() { format!("status {status}") } else { said.visible().into_owned() };
    let (kind, hint) = match status {
        401 => (PaymentErrorKind::Usage, "check `key` under [billing.stripe]: a restricted key of the right account"),
        403 => (PaymentErrorKind::Usage, "give the key that permission in Stripe; the README lists those it needs"),
        409 => (PaymentErrorKind::ForNow, "another process asks for the same; try again"),
        429 => (PaymentErrorKind::ForNow, "Stripe has too many requests; try again in a minute"),
        500.. => (
            PaymentErrorKind::ForNow,
            "try again; nothing is made or charged twice. https://status.stripe.com says more",
        ),
        _ => (PaymentErrorKind::Failed, "Stripe's dashboard lists the request under Developers, Logs"),
    };
    let coded = if code.is_empty() {
        String::new()
    } else {
        format!(" ({})", Untrusted::from(code.as_str()).cut(60).visible())
    };
    Refusal { error: PaymentError::new(kind, format!("Stripe: {said}{coded}"), hint), code }
}

impl From<Refusal> for PaymentError {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sent_to_stripe_and_to_this_machine_only_over_a_safe_way() {
        for good in [API, "http://127.0.0.1:1", "http://localhost:1", "https://proxy.example"] {
            assert!(Http::new(good).is_ok(), "{good}");
        }
        for bad in ["http://api.stripe.com", "ftp://127.0.0.1", "api.stripe.com", ""] {
            assert!(Http::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do_and_obeys_no_terminal() {
        let body = br#"{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such \u001b[2Jcustomer"}}"#;
        let refusal = refused(404, body);
        assert_eq!(refusal.code, "resource_missing");
        assert!(refusal.error.message.contains("␛") && refusal.error.message.contains("resource_missing"));
        for (status, kind) in
            [(401, PaymentErrorKind::Usage), (429, PaymentErrorKind::ForNow), (503, PaymentErrorKind::ForNow)]
        {
            let error = refused(status, b"<html>").error;
            assert!(
                error.kind == kind && !error.hint.is_empty() && error.message.contains(&status.to_string()),
                "{error:?}"
            );
        }
    }
}
