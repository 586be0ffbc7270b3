//! PagerDuty's Events API v2: trigger, acknowledge and resolve one matter under one key.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::message::{Message, cut};
use super::request::{JsonAnswer, JsonRequest};
use super::secret::Secret;
use super::undelivered::{Undelivered, of_status};
use crate::domain::Untrusted;
use crate::kinds::{Severity, Tidings};

/// Bytes of a summary and of the details that it takes.
const LONGEST_SUMMARY: usize = 1024;
const LONGEST_DETAIL: usize = 8 * 1024;

/// One service.
#[derive(Clone, Debug)]
pub struct PagerDuty {
    pub url: String,
    pub routing_key: Secret,
}

impl PagerDuty {
    /// Where events go when nothing else is said.
    pub const URL: &str = "https://events.pagerduty.com/v2/enqueue";

    /// An acknowledgement or resolution without a key would be accepted and do nothing.
    pub(super) fn request(&self, message: &Message, routing_key: &SecretString) -> Result<JsonRequest, Undelivered> {
        if message.key.is_empty() {
            return Err(Undelivered::for_good("an event for PagerDuty needs a key"));
        }
        let mut body = json!({
            "routing_key": routing_key.expose_secret(),
            "event_action": message.tidings.name(),
            "dedup_key": message.key,
        });
        if message.tidings == Tidings::Trigger {
            body["client"] = "morningai".into();
            body["payload"] = payload(message);
        }
        Ok(JsonRequest { url: self.url.clone(), headers: Vec::new(), body: body.to_string().into_bytes() })
    }

    pub(super) fn taken(&self, answer: &JsonAnswer) -> Result<(), Undelivered> {
        let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let words = told["message"].as_str().or_else(|| told["status"].as_str()).unwrap_or_default();
        of_status(answer, &Untrusted::from(words).cut(200).visible())
    }
}

fn payload(message: &Message) -> Value {
    let severity = match message.severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let details: serde_json::Map<_, _> =
        message.facts.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let mut payload = json!({
        "summary": cut(&message.title, LONGEST_SUMMARY),
        "severity": severity,
        "source": message.about.map_or_else(|| "morningai".to_owned(), |about| about.to_string()),
        "timestamp": message.at,
        "custom_details": details,
    });
    payload["custom_details"]["text"] = cut(&message.text, LONGEST_DETAIL).into();
    payload
}
