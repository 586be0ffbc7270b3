//! The one place that sends: a time limit, no redirects, a bounded answer.

use std::time::Duration;

use futures::StreamExt;
use reqwest::{Client, Url};

use super::message::Message;
use super::notifier::Notifier;
use super::request::{JsonAnswer, JsonRequest};
use super::undelivered::Undelivered;

/// How long one attempt may take; a claim of an attempt holds for longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer that are looked at.
const LARGEST_ANSWER: usize = 64 * 1024;
/// What addresses for answers in Slack begin with.
const SLACK_REPLIES: &str = "https://hooks.slack.com/";
/// Longest that the other side may ask to wait.
const LONGEST_WAIT: u64 = 3_600;

/// Sends messages.
#[derive(Clone)]
pub struct Sender {
    http: Client,
    /// For servers on this machine.
    local: Client,
}

impl Sender {
    pub fn new() -> Result<Self, Undelivered> {
        // The first client of this process installs it; the others find it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            Client::builder()
                .user_agent(concat!("morningai/", env!("CARGO_PKG_VERSION")))
                .timeout(PATIENCE)
                .redirect(reqwest::redirect::Policy::none())
        };
        let built = |client: reqwest::Result<Client>| {
            client.map_err(|_| Undelivered::for_good("no HTTP client can be made on this machine"))
        };
        Ok(Self { http: built(builder().build())?, local: built(builder().no_proxy().build())? })
    }

    /// Returns once the other side has said that it has it: what it calls the message, where that is needed later.
    pub async fn send(&self, notifier: &Notifier, message: &Message) -> Result<String, Undelivered> {
        let no_secret = |reason: String| Undelivered::for_now(format!("cannot read its secret: {reason}"));
        match notifier {
            Notifier::Slack(slack) => {
                let secret = slack.secret().fetch().await.map_err(no_secret)?;
                let Some(request) = slack.request(message, &secret) else { return Ok(String::new()) };
                return slack.taken(&self.post(request).await?);
            }
            Notifier::PagerDuty(service) => {
                let secret = service.routing_key.fetch().await.map_err(no_secret)?;
                service.taken(&self.post(service.request(message, &secret)?).await?)
            }
            Notifier::Webhook(hook) => {
                let secret = match &hook.secret {
                    Some(secret) => Some(secret.fetch().await.map_err(no_secret)?),
                    None => None,
                };
                hook.taken(&self.post(hook.request(message, secret.as_ref())).await?)
            }
            Notifier::Email(email) => {
                let password = email.password().await.map_err(no_secret)?;
                email.send(message, password, PATIENCE).await
            }
        }?;
        Ok(String::new())
    }

    /// Answers somebody who pressed a button in Slack. Nothing is posted to any other place, whatever the request says.
    pub async fn reply_in_slack(response_url: &str, text: &str) -> Result<(), Undelivered> {
        if !response_url.starts_with(SLACK_REPLIES) {
            return Err(Undelivered::for_good("the address for the answer is not Slack's"));
        }
        let body = serde_json::json!({ "response_type": "ephemeral", "replace_original": false, "text": text });
        let (url, body) = (response_url.to_owned(), body.to_string().into_bytes());
        let answer = Self::new()?.post(JsonRequest { url, headers: Vec::new(), body }).await?;
        super::undelivered::of_status(&answer, "")
    }

    async fn post(&self, request: JsonRequest) -> Result<JsonAnswer, Undelivered> {
        let bad = || Undelivered::for_good("its address is not one");
        let url = Url::parse(&request.url).map_err(|_| bad())?;
        let is_here = matches!(url.host_str().ok_or_else(bad)?, "localhost" | "127.0.0.1" | "[::1]");
        let http = if is_here { &self.local } else { &self.http };
        let mut post = http.post(url).header("content-type", "application/json; charset=utf-8");
        for (name, value) in request.headers {
            post = post.header(name, value);
        }
        let answer = post.body(request.body).send().await.map_err(|error| Undelivered::for_now(reason(&error)))?;
        let retry_after =
            answer.headers().get("retry-after").and_then(|after| after.to_str().ok()?.parse::<u64>().ok());
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        let mut pieces = answer.bytes_stream();
        while let Some(Ok(piece)) = pieces.next().await {
            body.extend_from_slice(&piece);
            if body.len() > LARGEST_ANSWER {
                body.truncate(LARGEST_ANSWER);
                break;
            }
        }
        let retry_after = retry_after.map(|seconds| Duration::from_secs(seconds.min(LONGEST_WAIT)));
        Ok(JsonAnswer { status, body, retry_after })
    }
}

/// In few words, and without the address, which may be a secret.
fn reason(error: &reqwest::Error) -> String {
    match (error.is_timeout(), error.is_connect()) {
        (true, _) => format!("it did not answer within {} s", PATIENCE.as_secs()),
        (false, true) => "it cannot be reached".to_owned(),
        (false, false) => "its answer was cut short".to_owned(),
    }
}

impl Notifier {
    /// Whether its server takes connections; nothing is sent.
    pub async fn reach(&self, patience: Duration) -> Result<(), String> {
        let (host, port) = match self {
            Self::Email(email) => email.server(),
            Self::PagerDuty(service) => host_of(&service.url)?,
            Self::Webhook(hook) => host_of(&hook.url)?,
            Self::Slack(slack) => {
                let secret = slack.secret().fetch().await?;
                host_of(slack.place(&secret))?
            }
        };
        match tokio::time::timeout(patience, tokio::net::TcpStream::connect((host.as_str(), port))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(format!("{host} cannot be reached: {error}")),
            Err(_) => Err(format!("{host} does not answer within {} s", patience.as_secs())),
        }
    }
}

fn host_of(url: &str) -> Result<(String, u16), String> {
    let bad = || "its address is not one".to_owned();
    let url = Url::parse(url).map_err(|_| bad())?;
    let host = url.host_str().ok_or_else(bad)?.trim_matches(['[', ']']).to_owned();
    Ok((host, url.port_or_known_default().ok_or_else(bad)?))
}
